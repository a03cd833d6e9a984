package shard

import (
	"bytes"
	"sync"
	"time"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// maxOutputs bounds what waits in the outbox. Admission stops client commands
// long before (see Config.MaxBacklog); past it outputs are dropped and counted,
// which is safe because every one of them is asked for or sent again.
const maxOutputs = 1 << 18

// maxFrames bounds those of them that are frames of what actors show. Past it
// frames are dropped: whoever looks is shown all of it again, and would gain
// nothing from frames as old as those.
const maxFrames = 4096

// output is one thing that leaves the node: an answer, a message or a command
// that is handed on after a move, to a peer, a frame, or else a broadcast.
type output struct {
	stamp journal.Stamp

	to      cluster.Address
	answer  *cluster.Answer
	message *cluster.Message
	command *cluster.Command

	topic string
	frame []byte

	broadcast actors.Broadcast

	// arrived is when the command that is answered came, if it is timed.
	arrived time.Time
}

// position is what the outbox needs of the log.
type position interface {
	End() journal.Stamp
	Durable() journal.Stamp
}

// outbox holds back what leaves the node until the log is durable up to the
// moment it was produced: rule 4 of ownership. Outputs leave in the order in
// which they were put in.
type outbox struct {
	log     position
	deliver func(*output)
	metrics *Metrics

	mu     sync.Mutex
	queue  []output // queue[head:] waits, stamps never decreasing
	head   int
	frames int // of those that wait
	closed bool

	// spare is the array that release used last, for the next one.
	spare []output
}

func newOutbox(log position, deliver func(*output), m *Metrics) *outbox {
	return &outbox{log: log, deliver: deliver, metrics: m}
}

// put stamps o and lets it go at once if the log is durable there and nothing
// waits before it. It is false when o was dropped. A frame may be reused when put
// has returned.
func (b *outbox) put(o output) bool {
	b.mu.Lock()
	// The stamp is read under the lock so that the queue's stamps never decrease.
	o.stamp = b.log.End()
	if b.closed {
		b.mu.Unlock()
		return false
	}
	if b.head == len(b.queue) && b.log.Durable() >= o.stamp {
		b.mu.Unlock()
		b.deliver(&o)
		return true
	}
	if len(b.queue)-b.head >= maxOutputs || o.frame != nil && b.frames >= maxFrames {
		b.mu.Unlock()
		b.metrics.outputsDropped.Inc()
		return false
	}
	if o.frame != nil {
		o.frame = bytes.Clone(o.frame)
		b.frames++
	}
	b.queue = append(b.queue, o)
	b.mu.Unlock()
	return true
}

// release lets everything go that was produced at or before durable. It is
// called by the committer only, in order.
func (b *outbox) release(durable journal.Stamp) {
	b.mu.Lock()
	n := b.head
	for n < len(b.queue) && b.queue[n].stamp <= durable {
		if b.queue[n].frame != nil {
			b.frames--
		}
		n++
	}
	ready := append(b.spare[:0], b.queue[b.head:n]...)
	clear(b.queue[b.head:n])
	b.head = n
	switch {
	case b.head == len(b.queue):
		b.queue, b.head = b.queue[:0], 0
	case b.head > len(b.queue)/2:
		kept := copy(b.queue, b.queue[b.head:])
		clear(b.queue[kept:])
		b.queue, b.head = b.queue[:kept], 0
	}
	b.mu.Unlock()

	for i := range ready {
		b.deliver(&ready[i])
	}
	clear(ready)
	b.spare = ready
}

// close drops everything that waits, and all that comes later: nothing of a
// fenced incarnation may leave.
func (b *outbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	clear(b.queue)
	b.queue, b.head, b.frames = nil, 0, 0
}

// waiting returns how many outputs wait.
func (b *outbox) waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.queue) - b.head
}
