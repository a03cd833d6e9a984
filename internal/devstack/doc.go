// Package devstack runs an etcd and a NATS server inside the process: for a
// node that is given neither, for `holdfast dev`, and for tests.
//
// It owns the two servers, their folders and their ports. They are set up as in
// production where that bears on what the rest of the program sees: both sync
// every write to the disk before they acknowledge it. They are one member each,
// so a lost disk loses the data.
//
// The caller closes every client of a Stack before the Stack itself, and gives
// its folder to one Stack at a time. The servers ask for no credentials: keep
// them on loopback.
package devstack
