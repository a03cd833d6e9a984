// Package broadcast carries news from whoever has it to every node that wants
// it, over NATS core subjects: stock levels, later the state of worlds.
//
// It owns the subjects <prefix>.<cluster id>.cast.<topic>. A topic is one or
// more words joined by dots.
//
// The caller must treat every broadcast as a hint: it may be lost (nobody was
// subscribed, the connection was away, the subscriber was too slow) and nothing
// sends it again. Order is kept per publisher and topic. Handlers of one
// subscription are called one at a time, on its own goroutine; one that is slow
// loses broadcasts, not memory.
//
// It does not open or close the NATS connection, does not know what a body
// means, and keeps nothing: who subscribes late asks for the current state
// elsewhere.
package broadcast
