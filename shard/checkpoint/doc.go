// Package checkpoint keeps the states of whole shards, so that a log need not
// be replayed from its beginning.
//
// It owns the format of a checkpoint's parts and the JetStream object store
// they lie in. A checkpoint is a base, which holds every actor of the shard,
// and differences, which hold those that changed since; what a later part says
// of an actor replaces what an earlier one said.
//
// The caller decides what goes into a part and when, keeps the pointer to the
// parts (in etcd, as clusterv1.Checkpoint), publishes it only when the log is
// durable past the states that were written, and deletes parts that nothing
// points to any more.
//
// It does not know what a state means, and nothing of it is needed to be safe
// but the promise that Read passes on what Write was given, or an error.
package checkpoint
