// Package audit keeps who owned which shard when, which moves were made, and
// which plans led to them, in a JetStream stream of the cluster.
//
//	hf.<cluster>.audit.owner.<shard>   OwnerRecord
//	hf.<cluster>.audit.move.<shard>    MoveReceipt
//	hf.<cluster>.audit.plan            PlanRecord
//
// Messages are JSON, so that they can be read with the nats tool. The stream is
// bounded by age and number; the oldest give way.
//
// # What it owns
//
// A Trail writes and reads the stream. Changes of ownership are not reported by
// those who make them, who may crash: they are read from etcd's history, by the
// coordinator, from behind the last one that is in the stream. So a change that
// was made is recorded, whoever dies, as long as etcd remembers it when the next
// coordinator asks. What etcd has compacted away by then is recorded as a gap,
// for the shards that changed meanwhile and only for them.
//
// Each record is published under the condition that the stream still ends where
// the recorder has looked. Of two recorders that overlap, one is refused, looks
// again, and finds what the other has recorded.
//
// # What the caller must do
//
// Run Record in every member, again after an error. Call PutMove for every move
// that was tried.
//
// # What it does not do
//
// A receipt is published once: the source of a move that crashes before that
// leaves none. The change of ownership is recorded all the same.
package audit
