// Package router keeps the commands that wait for an answer, and sends each of
// them to whoever owns its shard until the answer is there.
//
// It owns the table of pending calls of one process, shared by the gateway and
// the admin listener. A command is sent to the owner that the routes name. The
// same command is sent again
//
//   - when the routes name a new owner,
//   - when the addressee answers that it is not the owner: to the newer of the
//     owner it named and the one that the routes name, at once if that is newer
//     than the one asked, else after a growing pause,
//   - when there was no answer for a second.
//
// After five seconds the caller is told UNAVAILABLE. So the death of a node
// shows as a slow answer, and a command may reach its actor several times: the
// actor's request table makes it happen once.
//
// # What the caller must do
//
// Give every answer that arrives to Answered (peer.Mesh.HandleAnswers), leave a
// command alone once it was given to Do, and take the answer in Waiter.Answered
// without blocking: it runs on the goroutine that brought the answer. Close
// after the last Do.
//
// # What it does not do
//
// It does not know what a command means, does not retry what was answered
// (a refusal with a retry hint is the caller's to repeat), and remembers nothing
// over a restart.
package router
