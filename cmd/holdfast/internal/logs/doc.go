// Package logs is `holdfast log`: it reads the node logs of a cluster, prints
// what stands in them, and checks that they tell one story.
//
// It only reads: etcd, the logs and the checkpoints are left as they are, and
// nothing is created that is not there. It can be run while the cluster works.
// What it may then see is in check.go.
//
// It does not ask the nodes anything; that memory agrees with the logs is what
// `holdfast ctl verify` finds out.
package logs
