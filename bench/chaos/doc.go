// Package chaos holds a sale on a cluster of real processes, breaks parts of the
// cluster meanwhile, and asks afterwards whether everything that was promised to
// the clients was kept.
//
// Run starts etcd and NATS (`holdfast dev`), three nodes that own shards and two
// gateways, each a process, with a proxy in front of everything that one of them
// reaches over the network. A Schedule made from a seed says what breaks and
// when: processes are killed and stopped, wires cut in one direction or both,
// slowed down, or cut after a request so that its reply is lost; members of etcd
// and NATS are lost, their disks fill, their fsyncs are slow or fail; and shards
// are moved and nodes drained in the midst of it. Then all is healed, and the
// history of the clients is judged with the logs of the cluster (bench/chaos/
// history, `holdfast log check`).
//
// A folder keeps everything: schedule, what was injected, histories, books, the
// log dump, the logs of all processes, and their data. The caller says where, or
// it is a temporary one that stays only when a check fails.
//
// Limits worth knowing: a node has one address for its peers, so what is cut
// between nodes is the way to one of them from all others, in one direction or
// both; and a proxy accepts connections while what is behind it cannot be
// reached, as a firewall that drops packets would not.
//
// The package ends the processes that it started, by their ids, however it ends.
// It makes no promises about what a fault does: only that it was injected, or why
// not.
package chaos
