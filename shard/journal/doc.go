// Package journal is the node log: the one place where what the actors of a
// node decided becomes durable. Each incarnation of a node has one log, which
// is one JetStream stream.
//
// It owns the entry format, the buffer in which records wait, the committer
// that turns the buffer into entries, the seal that ends a log for good, and
// the reader. Records are appended without waiting; the committer writes all
// that is buffered as one entry, and while entries are in flight the buffer
// fills: that is the group commit. On an idle log a record is an entry at once.
//
// Entry n of a log stands at sequence n of its stream, because every entry is
// published with the sequence that it expects before itself. From this follow
// the two promises that the safety of the cluster rests on:
//
//   - The first seal ends a log. Whoever has the seal's acknowledgement knows
//     that the writer will never again see anything become durable behind it.
//   - Durability advances strictly in order, each entry by its own
//     acknowledgement or by being read back. The acknowledgement of entry n+1
//     says nothing about entry n: a seal may stand in its place.
//
// The stream must lie on a server that syncs every write ("sync_interval:
// always"), or durable means little. The connection should fail publishes while
// it is down rather than keep them (nats.ReconnectBufSize(-1)): what must be
// sent again is the committer's business.
//
// The caller must let nothing leave the node that the log does not have yet
// (End when it was produced, Durable now), must look at Backlog before it takes
// new work, and must drop everything when Done is closed: the log has been
// sealed, and the shards have other owners.
//
// It does not know what the records mean, who owns a shard, or when a log may
// be shortened; it takes no part in leases beyond telling, in LastProgress,
// whether it gets on.
package journal
