// Package peer carries commands, answers and actor messages between the nodes
// of one cluster.
//
// It owns one listener and one actor system per incarnation, and one link per
// peer it has lately sent to: a bounded queue, one goroutine, one stream. On
// the wire it speaks the remote protocol of protoactor (remote.proto: the
// Receive stream, ConnectRequest, MessageBatch), with holdfast.cluster.v1
// Envelope as the only message type. What is addressed to the node itself
// never gets that far: it is a direct call of the handler.
//
// # Why not protoactor's own endpoints
//
// remote.Remote cannot be used as it is: Start writes gRPC's global logger,
// which is a data race in a process that already uses gRPC for etcd, and is
// called again with every incarnation; an unknown message type panics the
// reader, and with it the process; a connection attempt that fails sleeps for
// two seconds; the queue towards a peer has no bound; Shutdown either leaves
// the outgoing connections open or may wait ten seconds. The protocol is
// sound, so this package keeps it and brings its own two ends.
//
// # What the caller must do
//
// Set the three handlers before Start. Handlers are called from any goroutine,
// several at a time, and must not block: a handler that blocks stops the
// stream of the peer whose message it is given.
//
// # What it does not do
//
// It promises nothing: whatever it is given may be lost (queue full, peer gone,
// stream broken) or arrive twice (sent again by its sender). Request ids,
// answers and resends belong to those who use it: see package router for
// commands; actors send their messages again from their state. It does not know
// who owns a shard. It does not authenticate peers: the peer address belongs on
// a private network.
package peer
