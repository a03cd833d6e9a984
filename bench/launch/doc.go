// Package launch starts the servers that loads are put on, a node or anything
// else, each in a process of its own, and says what they use of the machine. It
// also knows how to reach a cluster that others started: a Target.
//
// The caller stops what it has started. The package puts no load on anything.
package launch
