// Package shard hosts actors: it holds the shards that this node owns, runs
// their actors, and decides when anything may leave the node.
//
// # One turn
//
// Each shard is one protoactor actor, and so has one mailbox and runs on one
// goroutine at a time. A turn takes one message from it and
//
//  1. finds the game actor, waking it from its encoded form if it was passive,
//  2. lets it decide; a panic here changes nothing and is answered INTERNAL,
//  3. encodes the events, and refuses the message if they do not fit an entry,
//  4. applies the events; an error or a panic here stops the shard,
//  5. appends the records to the node log, as one whole,
//  6. hands messages for actors of this node to their mailboxes at once, and
//     puts everything that leaves the node into the outbox.
//
// # The outbox
//
// Actors run ahead of the log. What leaves the node (an answer, a message to
// another node, a broadcast) waits in the outbox, stamped with the log's end at
// the moment it was produced, until the log is durable up to that stamp. So a
// crash takes back only what nobody outside has seen, and takes it back for the
// whole node at once.
//
// # Life
//
// A Node lives as long as its process and goes through incarnations. One
// incarnation is one lease, one log, one actor system and one set of shards;
// when the lease is lost or the log is sealed by somebody else, all of it is
// dropped and the next incarnation begins with nothing. Within an incarnation,
// reconcile compares what is assigned to the node with what it holds, and
// claims (claim.go, recover.go) or releases.
//
// The package does not decide who should own what (package cluster does), knows
// no client connections (package gateway) and no game rules (package actors).
package shard
