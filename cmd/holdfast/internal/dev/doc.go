// Package dev is `holdfast dev`: etcd and NATS by themselves, so that several
// nodes can be tried out on one machine.
//
// With one member each it is a devstack.Stack in this process. With several, a
// supervisor starts each member in a process of its own by running this program
// again, and keeps dev.json in the data folder true:
//
//	dev.json           members: role, process id, addresses, folder, log (State)
//	dev.sock           where `dev restart` and `dev room` ask for what they do
//	members/NAME/      data of a member
//	members/NAME.log   what it logs, of all its lives
//
// The supervisor ends its members by their process ids and waits for them. When
// it is itself killed they end as well: their standard input ends, and on Linux
// the system kills them with it. It does not look after members that end: that
// they stay down is what it is for.
package dev
