// Package journal is `holdfast journal`: it reads the node logs of a cluster,
// prints what stands in them, checks that they tell one story, verifies that they
// give the states that checkpoints hold, and finds the record on which two builds
// of the program disagree.
//
// It only reads: etcd, the logs and the checkpoints are left as they are, and
// nothing is created that is not there. It can be run while the cluster works.
// What it may then see is in moment.go.
//
// Package refold puts states together from events, package bisect compares two
// builds. The format of the logs is drawn in package shard/journal.
//
// It does not ask the nodes anything; that memory agrees with the logs is what
// `holdfast ctl verify` finds out.
package journal
