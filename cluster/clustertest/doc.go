// Package clustertest helps to test what stands on package cluster: a real etcd
// inside the test process, and a client that loses answers.
//
// Etcd is started with fast elections, so that leases of one second are allowed,
// and without fsync unless asked for. It stops with the test.
//
// Faults wraps the key-value side of a client. It is how a test makes the
// outcome of a transaction unknown, in each of the ways there are.
package clustertest
