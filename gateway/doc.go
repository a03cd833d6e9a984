// Package gateway is where clients connect: a WebSocket server that knows who
// is on the other end, keeps each connection within its limits, hands requests
// to the cluster, pushes events, and shows players the world around them.
//
// It owns the connections, and the protocol that docs/protocol.md describes.
// Its caller supplies a listener, a router that finds the owner of an actor and
// sends again until there is an answer, the catalog, the zones, the broadcast bus
// and a verifier of tokens, and calls Drain before Close.
//
// A Recorder, if it is given one, is told of all frames of all players (record.go).
//
// It does not decide anything about the game, keeps nothing that outlives a
// connection, and resends nothing: the request number that a client repeats
// after a reconnect, and the actor's memory of it, make a request happen once.
// It does not terminate TLS; give it a listener that does, for HTTP/1.1.
//
// # A connection
//
// One goroutine serves a connection that is idle: the reader. It waits without a
// buffer, decodes frames, refuses what is beyond a limit, and either answers at
// once or hands a command to the router. Whoever has an answer, the router or a
// broadcast, puts it into the queue; that never blocks, and starts a writer if
// there is none. The writer takes all that is queued, encodes it, writes it at
// once, and ends when nothing is left.
//
//	         reader ── command ──> router
//	        /      \                 │ Answered
//	socket <        > queue <────────┘
//	     ^  \      /   ^   ^
//	     │   writer    │   └── board (stock levels), ears (chat, presence)
//	     └──── show ── scene
//
// The queue cannot overflow: an answer's place is taken when its request is
// admitted, the reader waits for room for what it says itself, of a stock level
// only the newest is kept, of other events the latest few.
//
// The handshake is gorilla/websocket's; the frames after it are read and written
// here (opcode.go, message.go), because ten thousand connections that are idle
// must not have ten thousand buffers, and because of what comes next.
//
// # The world
//
// A scene is one zone as the viewers of this gateway see it, however many they
// are; one goroutine owns it. It has a feed for each interest cell that somebody
// looks at: a subscription, and a decoder that keeps the present state, so that a
// gap is noticed here and late joiners get their keyframe from here. Frames go
// on as they came: prepared once, as the bytes of a whole WebSocket message, and
// written by the scene's goroutine straight into each socket that is idle and
// takes them, without waiting and without waking anybody.
//
// What a socket does not take is conflated: a viewer may have a second of frames
// waiting, then they are all dropped, and when it takes data again it gets one
// keyframe per cell. So a slow viewer costs the others nothing, and the gateway a
// few KiB.
//
// Locks, outermost first: Gateway.mu, stays.mu, hall.mu, ears.mu, channel.mu,
// board.mu, topic.mu, scene.mu, queue.mu.
package gateway
