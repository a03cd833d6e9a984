package tape

import (
	"encoding/binary"
	"sync"
	"time"
)

const (
	// chunkBytes is what is handed to the writing goroutine at once, and what it
	// frees: as much as makes a block.
	chunkBytes = fullBlock
	// spareChunks stay for the next burst when one is over; the others are freed.
	spareChunks = 4
	// headroomChunks are for connections that come and go while everything else is
	// dropped: some 15,000. Without them nobody would know whose the frames are
	// that come later.
	headroomChunks = 4
	// notedHead is what stands before the frame of a noted record.
	notedHead = 1 + 8 + 8 + 4 + 4 + 4
)

// queue takes records from any number of goroutines without waiting, and keeps
// them as bytes until the writing goroutine takes them. It is bounded: when it is
// full, records are dropped and counted until all of it was taken, so that there
// is one gap and not many.
type queue struct {
	start time.Time
	limit int           // chunks
	wake  chan struct{} // is told that a chunk is full

	mu     sync.Mutex
	closed bool
	fill   []byte
	full   [][]byte
	free   [][]byte
	used   int // chunks in fill, full and the writing goroutine's hands
	lost   uint64
	lostAt time.Duration // of the first
}

func newQueue(start time.Time, bytes int) *queue {
	return &queue{start: start, limit: max(2, bytes/chunkBytes), wake: make(chan struct{}, 1)}
}

// note queues a record. aside is the viewers of what is shown. What is text and
// what is bytes comes behind the head alike.
func note[B string | []byte](q *queue, k Kind, id uint64, aside, size int, body B, at time.Time) {
	since := at.Sub(q.start)
	need := notedHead + len(body)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	passing := k == Opened || k == Closed
	if q.lost > 0 && !passing || need > MaxFrame || cap(q.fill)-len(q.fill) < need && !q.turn(need, passing) {
		if q.lost == 0 {
			q.lostAt = since
		}
		q.lost++
		return
	}
	b := append(q.fill, byte(k))
	b = binary.LittleEndian.AppendUint64(b, uint64(since))
	b = binary.LittleEndian.AppendUint64(b, id)
	b = binary.LittleEndian.AppendUint32(b, uint32(aside))
	b = binary.LittleEndian.AppendUint32(b, uint32(size))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(body)))
	q.fill = append(b, body...)
}

// turn begins another chunk, with room for need bytes. False: there is none. The
// caller holds mu.
func (q *queue) turn(need int, passing bool) bool {
	// A rare large record has a chunk of its own size, and counts as so many.
	chunks := (need + chunkBytes - 1) / chunkBytes
	limit := q.limit
	if passing {
		limit += headroomChunks
	}
	if q.used+chunks > limit {
		q.rouse()
		return false
	}
	if len(q.fill) > 0 {
		q.full = append(q.full, q.fill)
		q.rouse()
	} else if q.fill != nil {
		q.used -= chunksOf(q.fill)
	}
	q.used += chunks
	if n := len(q.free); n > 0 && chunks == 1 {
		q.fill, q.free = q.free[n-1][:0], q.free[:n-1]
		return true
	}
	q.fill = make([]byte, 0, chunks*chunkBytes)
	return true
}

func chunksOf(b []byte) int { return cap(b) / chunkBytes }

func (q *queue) rouse() {
	select {
	case q.wake <- struct{}{}:
	default: // it has not looked since the last time, and will take all
	}
}

// take returns all that was noted, and what was lost after it.
func (q *queue) take(into [][]byte) (chunks [][]byte, lost uint64, lostAt time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	chunks = append(into, q.full...)
	clear(q.full)
	q.full = q.full[:0]
	if len(q.fill) > 0 {
		chunks = append(chunks, q.fill)
		q.fill = nil
	}
	lost, q.lost = q.lost, 0
	return chunks, lost, q.lostAt
}

// give gives back a chunk that was taken.
func (q *queue) give(b []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := chunksOf(b)
	q.used -= n
	if n == 1 && len(q.free) < spareChunks {
		q.free = append(q.free, b[:0])
	}
}

// close has what is noted from now on ignored.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

// noted is a record as the queue has it.
type noted struct {
	kind  Kind
	at    time.Duration
	id    uint64
	aside int
	size  int
	body  []byte
}

// nextNoted reads the record at the front of a chunk.
func nextNoted(b []byte) (n noted, rest []byte) {
	n = noted{
		kind:  Kind(b[0]),
		at:    time.Duration(binary.LittleEndian.Uint64(b[1:])),
		id:    binary.LittleEndian.Uint64(b[9:]),
		aside: int(binary.LittleEndian.Uint32(b[17:])),
		size:  int(binary.LittleEndian.Uint32(b[21:])),
	}
	end := notedHead + int(binary.LittleEndian.Uint32(b[25:]))
	n.body = b[notedHead:end]
	return n, b[end:]
}
