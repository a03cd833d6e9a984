// Package ctl is `holdfast ctl`: what operators do, from a shell.
//
// It is a client of the AdminService and nothing else. Where the node is and
// what its token is are read from a data folder on the same machine unless they
// are given. Results are tables, or JSON with --json; the status is 1 when the
// cluster refuses, and when an audit finds that something is not conserved.
package ctl
