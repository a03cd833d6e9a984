package gateway

import (
	"bytes"
	"slices"
)

// worldRoom is how many bytes of the world may wait to be written to one
// connection, behind what its writer is busy with: some second of it. Beyond it
// they are dropped, all of them, and its viewers begin anew with keyframes once
// it has caught up.
const worldRoom = 4 << 10

// worldQueue is the world's part of a queue.
type worldQueue struct {
	pending int // bytes in replies, and in the writer's hands
	// conflated is how often a backlog was dropped. Who has not seen the latest
	// time must not go on as if the client had all that came before.
	conflated uint32
}

// show writes p, whole WebSocket frames, to the client: at once if nobody else
// is writing and the socket takes it, else as soon as it can be. It never waits,
// and keeps nothing of p. seen is what conflated was when the viewer began with
// keyframes. False: p is not going to be written, and the viewer is to begin anew
// when caughtUp says so; dropped pieces that waited are not going to be either.
func (s *session) show(p []byte, seen uint32) (ok bool, dropped int) {
	q := s.queue
	q.mu.Lock()
	switch {
	case q.bye != nil:
		q.mu.Unlock()
		return true, 0 // nobody will see it, and nobody is to do more about it
	case q.world.conflated != seen:
		q.mu.Unlock()
		return false, 0
	case q.writing:
		defer q.mu.Unlock()
		return q.line(p)
	}
	q.writing = true
	q.mu.Unlock()
	rest := p[s.wire.attempt(p):]
	q.mu.Lock()
	defer q.mu.Unlock()
	q.release(rest)
	return true, 0
}

// line queues p behind what waits, or else drops all of the world that does. The
// caller holds mu.
func (q *queue) line(p []byte) (ok bool, dropped int) {
	if q.world.pending == 0 || q.world.pending+len(p) <= worldRoom {
		q.world.pending += len(p)
		q.replies = append(q.replies, reply{raw: bytes.Clone(p)})
		return true, 0
	}
	q.replies = slices.DeleteFunc(q.replies, func(r reply) bool {
		if r.raw == nil || r.cut {
			return false
		}
		q.world.pending -= len(r.raw)
		dropped++
		return true
	})
	q.world.conflated++
	return false, dropped
}

// release gives the writing to a writer if there is something to write, rest
// first, and else to nobody. The caller holds mu.
func (q *queue) release(rest []byte) {
	if len(rest) > 0 {
		q.world.pending += len(rest)
		q.replies = slices.Insert(q.replies, 0, reply{raw: bytes.Clone(rest), cut: true})
	}
	if len(q.replies) > 0 || len(q.levels) > 0 || q.pong != nil || q.ping || q.bye != nil || q.draining {
		go q.writer()
		return
	}
	q.writing = false
}

// caughtUp says whether all of the world that was queued is written, and what
// conflated is now.
func (q *queue) caughtUp() (conflated uint32, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.world.conflated, q.world.pending == 0
}
