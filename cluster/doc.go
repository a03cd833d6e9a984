// Package cluster says who owns what: which nodes live, which of them holds
// which shard, which should, what the catalog sells and which zones there are.
// All of it stands in etcd, and this is the only package that speaks to etcd.
//
// # Keys
//
// Under Config.Prefix; values are JSON, so that an operator can read them.
//
//	/cluster              id, number of shards, format        never deleted
//	/nodes/<node>         address, incarnation, state, ...    on the node's lease
//	/owners/<shard>       incarnation, epoch, address         on the owner's lease
//	/shards/<shard>       epoch, checkpoints, log segments    outlives its owners
//	/assignments/<shard>  the node wanted; a pin              a preference
//	/drained/<node>       an operator wants the node empty    outlives the node
//	/coordinator          who plans                           on the planner's lease
//	/loads/<node>         what the node's shards ask of it    on the node's lease
//	/weights              what plans are made with            written by the coordinator
//	/rebalance            moves decided together              carried out by the coordinator
//	/catalog/<sku>        a product
//	/zones/<name>         a zone
//
// # What it owns
//
// A View is what everybody may know: routes, nodes, assignments, catalog and
// zones as immutable snapshots that a watch keeps fresh. It needs no lease. A snapshot
// may be late, so a route is a hint: the owner's own word wins.
//
// A Member is one incarnation of one node: a lease, and the right to hold
// shards on it. Liveness rests on the lease, safety does not: a Member that
// lost it without noticing is stopped by the seal on its log and by the guards
// of its transactions.
//
//   - Member.Valid is the read lease. It is the safety signal; Member.Done is
//     only how one gets to know, and may come late.
//   - Every ownership transaction compares the mod-revisions it was computed
//     from, and a new ownership bumps the epoch in /owners/s and /shards/s in
//     one Txn. Every write of /shards/s is guarded by the mod-revision that the
//     holder's own write gave /owners/s.
//   - A Txn whose answer was lost is sent again as it was. Its guard lets at
//     most one of the copies take effect, even one that arrives late, and the
//     refusal of the others reads the state that says which.
//
// A Claim is the order in which a shard is taken over, without any I/O.
//
// Propose computes which shards should move. The coordinator, which is one of
// the members that run RunPlanner, has them moved: those that nobody serves at
// once, then those of nodes that are drained, those that are pinned elsewhere,
// and those that a Rebalance names, a few at a time. It begins a Rebalance by
// itself when load is far from even and has been for a while. All it has to
// remember is in etcd, so its successor goes on.
//
// # What the caller must do
//
// Call Valid after reading state and before answering from it. When Done is
// closed, drop every actor, answer nothing more, call Leave, and Join again as
// a new incarnation with a new log. Serve a shard's commands only after Serve
// returned nil. Compare Member.Owned with what is really held, now and then,
// and resume or release the difference. Do not purge a log above LowestFrom.
//
// # What it does not do
//
// It does not read, write or seal logs, and does not load checkpoints: it keeps
// the pointers to them. It does not move messages; see the packages below.
package cluster
