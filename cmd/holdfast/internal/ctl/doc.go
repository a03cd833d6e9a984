// Package ctl is `holdfast ctl`: what operators do, from a shell.
//
// It is a client of the AdminService and nothing else. Where the node is and
// what its token is are read from a data folder on the same machine unless they
// are given. Results are tables, or JSON with --json; errors carry the status
// that the program ends with, which Command's help lists.
//
// Commands that begin something can wait for it: they look at the cluster until
// it is as it should be, at another node when the one that was named goes away.
// The cluster does the work in any case, and goes on when nobody waits.
package ctl
