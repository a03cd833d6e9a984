// Package devstack runs etcd and NATS inside the process: for a node that is
// given neither, for `holdfast dev`, and for tests.
//
// A Stack is one server of each. A Member is one server of a cluster of several,
// of which each process runs one, so that members can be killed and paused one
// by one; NewMembers lays such a cluster out.
//
// The package owns the servers, their folders and their ports. They are set up
// as in production where that bears on what the rest of the program sees: all
// sync every write to the disk before they acknowledge it. A Stack's servers are
// one member each, so a lost disk loses the data.
//
// The caller closes every client before its servers, and gives a folder to one
// server at a time. It starts members again that have ended: no server here
// watches another. The servers ask for no credentials: keep them on loopback.
package devstack
