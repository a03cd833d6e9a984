// Package actorstest runs kinds of actors in a model of a cluster: several
// nodes, each with one log, and a network that loses, doubles and delays what
// it carries. It is what a kind is tested with before it meets a real host. It
// also tells stories (TellStories) and keeps golden files of journals.
//
// The model keeps the promises that package shard keeps, and no others. An
// actor runs ahead of its node's log: messages to actors of the same node are
// delivered at once, all else waits until the log is durable up to the moment
// it was produced. Crash loses the volatile state of a node's actors, what
// waited to leave, and a suffix of the log, which is common to all actors of
// the node; the actors come back from what is left, partly by way of a snapshot.
// HandOver stands for a planned move.
//
// Time is virtual, everything happens on the caller's goroutine, and one seed
// gives one run. Verify replays every actor and compares.
//
// The package checks no rules of any kind: tests look at the actors between
// steps.
package actorstest
