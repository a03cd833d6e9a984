// Package sim runs simulated clusters: the real state machines of ownership, of
// the log, of planned moves and of purchases, on several nodes, against models of
// everything around them. One seed is one run, on one goroutine: what happens
// next is drawn from the seed, and nothing else decides.
//
// # What is real
//
//   - cluster.Member: Acquire, Serve, PutCheckpoint, Release, HandOver, Adopt,
//     Expect, Outlook, Owned, LowestFrom and the registration of a node, with
//     their resending and resolving of unknown outcomes; its keepalive loop and its
//     lease; cluster.View's snapshots; the JSON that stands in etcd
//   - cluster.Claim, cluster.Handoff and cluster.Adoption; cluster.Replay
//   - committer.Machine, the heart of the node log
//   - the actors of players and of stock: requests, holds, confirmations, lending,
//     with their snapshots and the encoding of their events
//
// # What is a model
//
//   - etcd (cluster/etcdmodel): transactions, leases that run out, the history that
//     watches read, compaction, elections
//   - the log's stream: a leader that judges expected sequences by what it has
//     taken, commits it a while later, and forgets what was not committed in an
//     election; seals, purges; and the store of checkpoints
//   - package shard: mailboxes, turns, the outbox, the reconcile loop, checkpoints,
//     recovery, and how it carries out what the machines say, in miniature and in
//     the same order
//   - the network, which loses, delays, doubles and reorders; processes, whose
//     clocks run at different rates and are set wrong, which stand still for longer
//     than their lease, with and without their clocks, whose goroutines starve, and
//     which crash; clients, gateways and the planner
//
// What waits in the real code is a fiber here (fiber.go): it runs until it waits,
// and the world picks what happens next.
//
// # What is checked
//
// After each step, as far as the step could have changed it:
//
//   - an epoch of a shard is given once, epochs only grow, and record and owner
//     agree (history.go)
//   - what leaves a node rests only on records that a successor replays, and one
//     node only speaks for a shard at an epoch
//   - every record that becomes durable is in a segment of its shard, follows upon
//     its actor's last one, and stands in an entry with the next number
//   - whatever happens to records in etcd, checkpoints and logs, a successor can
//     load every shard, from the current checkpoint and from the previous one, and
//     finds exactly what was committed
//   - a shard is served with its whole history
//   - the books (books.go), kept from the records in the order in which they became
//     durable: what is granted was held, what is sold was granted, what is let go
//     was not, nothing happens twice or after it was refused, units come from
//     somewhere, nobody spends what they do not have
//   - answers do not change and are what the log says; a read shows everything that
//     was acknowledged before it was sent
//
// In the end the faults stop. Then every request gets its answer, every hold is
// resolved, every shard is served, and what is in memory is, byte for byte, what
// replay makes of the log.
//
// # Planted bugs
//
// A simulator that finds nothing proves nothing. Plants lists rules that can be
// broken; each must be found.
package sim
