// Package gateway is where clients connect: a WebSocket server that knows who
// is on the other end, keeps each connection within its limits, hands requests
// to the cluster and pushes events.
//
// It owns the connections, and the protocol that docs/protocol.md describes.
// Its caller supplies a listener, a router that finds the owner of an actor and
// sends again until there is an answer, the catalog, the broadcast bus and a
// verifier of tokens, and calls Drain before Close.
//
// It does not decide anything about the game, keeps nothing that outlives a
// connection, and resends nothing: the request number that a client repeats
// after a reconnect, and the actor's memory of it, make a request happen once.
// It does not terminate TLS; give it a listener that does, for HTTP/1.1.
//
// # A connection
//
// Two goroutines serve a connection. The reader decodes frames, refuses what is
// beyond a limit, and either answers at once or hands a command to the router.
// The writer is the only one that encodes and writes replies: it takes all that
// is queued, and flushes once. Whoever has an answer, the router or a broadcast,
// puts it into the queue and wakes the writer; that never blocks.
//
//	         reader ── command ──> router
//	        /      \                 │ Answered
//	socket <        > queue <────────┘
//	        \      /   ^
//	         writer    └── board (stock levels, one subscription per SKU)
//
// The queue cannot overflow: an answer's place is taken when its request is
// admitted, the reader waits for room for what it says itself, and of a stock
// level only the newest is kept.
//
// Locks, outermost first: Gateway.mu, board.mu, topic.mu, queue.mu. wire.mu is
// a leaf.
package gateway
