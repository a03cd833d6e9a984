package journal

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
)

// chunk is an entry in the making, and then in flight.
type chunk struct {
	buf     []byte // begins with the header
	records int
	weight  int
	end     Stamp // of its last record
	cut     time.Time
}

// spareChunks bounds the chunks that are kept to be used again: those in flight
// by default, the one that fills, and one more. The rest of a burst is garbage.
const spareChunks = 4

// buffer is where records wait until an entry may be cut: the group commit. The
// records of one batch stay in one entry.
type buffer struct {
	header []byte // what every entry begins with
	limit  int    // bytes of an entry, checksum included
	bound  int64  // weight past which nothing is taken

	// The log's end, for readers without the lock.
	end atomic.Uint64
	// backlog is the weight of all that was appended and not released.
	backlog atomic.Int64
	// progress is when a chunk was last released or, if later, when something was
	// appended to nothing: the time since opened.
	progress atomic.Int64
	opened   time.Time

	mu       sync.Mutex
	queue    []*chunk // oldest first; only the last is appended to
	spare    []*chunk
	hungry   bool  // the committer waits for a signal
	refusing error // why nothing is taken any more
}

func newBuffer(inc cluster.Incarnation, limit, maxRecords int) *buffer {
	return &buffer{
		header: newHeader(typeRecords, inc),
		limit:  limit,
		bound:  2 * int64(maxRecords),
		opened: time.Now(),
	}
}

// weigh says how much of the buffer a batch takes: a record of more than 1 KiB
// counts for several, so that one bound holds for number and memory.
func weigh(bytes, records int) int { return max(records, (bytes+1023)>>10) }

// append copies a batch into the buffer. wake: the committer waits for it.
func (b *buffer) append(batch []byte, records int) (end Stamp, wake bool, err error) {
	weight := weigh(len(batch), records)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.refusing != nil:
		return 0, false, b.refusing
	case len(b.header)+len(batch)+4 > b.limit:
		return 0, false, ErrTooLarge
	case b.backlog.Load()+int64(weight) > b.bound:
		return 0, false, ErrFull
	}
	c := b.last()
	if c == nil || len(c.buf)+len(batch)+4 > b.limit {
		c = b.open()
	}
	c.buf = append(c.buf, batch...)
	c.records += records
	c.weight += weight
	if b.backlog.Load() == 0 {
		// Before anybody can see that something waits.
		b.progress.Store(int64(time.Since(b.opened)))
	}
	b.backlog.Add(int64(weight))
	c.end = Stamp(b.end.Add(uint64(records)))
	wake, b.hungry = b.hungry, false
	return c.end, wake, nil
}

func (b *buffer) last() *chunk {
	if len(b.queue) == 0 {
		return nil
	}
	return b.queue[len(b.queue)-1]
}

func (b *buffer) open() *chunk {
	c := new(chunk)
	if n := len(b.spare); n > 0 {
		c, b.spare = b.spare[n-1], b.spare[:n-1]
	}
	c.buf = append(c.buf, b.header...)
	b.queue = append(b.queue, c)
	return c
}

// take cuts the oldest chunk off. If there is none, the next append wakes the
// committer.
func (b *buffer) take() *chunk {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		b.hungry = true
		return nil
	}
	c := b.queue[0]
	n := copy(b.queue, b.queue[1:])
	b.queue[n] = nil
	b.queue = b.queue[:n]
	return c
}

// release gives back a chunk that is durable.
func (b *buffer) release(c *chunk) {
	b.progress.Store(int64(time.Since(b.opened)))
	b.backlog.Add(-int64(c.weight))
	*c = chunk{buf: c.buf[:0]}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.spare) < spareChunks {
		b.spare = append(b.spare, c)
	}
}

// refuse makes every later append return err. The first reason stays, unless it
// is ErrClosed: being fenced while closing is worth knowing.
func (b *buffer) refuse(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refusing == nil || errors.Is(b.refusing, ErrClosed) {
		b.refusing = err
	}
}

// lastProgress is what progress says. idle: nothing waits.
func (b *buffer) lastProgress() (t time.Time, idle bool) {
	idle = b.backlog.Load() == 0
	return b.opened.Add(time.Duration(b.progress.Load())), idle
}
