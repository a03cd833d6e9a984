package peer

import "sync"

// queue holds the encoded items that wait for one peer.
type queue struct {
	// ready gets a token when the state may have changed.
	ready chan struct{}

	mu     sync.Mutex
	items  [][]byte
	head   int // items before it were taken
	bytes  int
	closed bool
}

func newQueue() *queue { return &queue{ready: make(chan struct{}, 1)} }

// put adds an item. full: it was dropped. closed: the queue takes nothing more.
func (q *queue) put(item []byte) (full, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return false, true
	case len(q.items)-q.head >= maxQueuedItems, q.bytes+len(item) > maxQueuedBytes:
		return true, false
	}
	q.items = append(q.items, item)
	q.bytes += len(item)
	q.wake()
	return false, false
}

// take moves items to the end of dst, as many as fit one envelope. It returns
// dst as it was when there is nothing.
func (q *queue) take(dst [][]byte) [][]byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, size := 0, 0
	for q.head < len(q.items) && n < batchItems && size < batchBytes {
		item := q.items[q.head]
		q.items[q.head] = nil
		q.head++
		n++
		size += len(item)
		dst = append(dst, item)
	}
	q.bytes -= size
	switch {
	case q.head == len(q.items):
		q.items, q.head = q.items[:0], 0
	case q.head >= maxQueuedItems:
		// Under a steady load the queue is never empty, so the room in front
		// must be taken back at times.
		q.items = q.items[:copy(q.items, q.items[q.head:])]
		q.head = 0
	}
	return dst
}

// clear drops everything and returns how much that was.
func (q *queue) clear() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := len(q.items) - q.head
	q.items, q.head, q.bytes = nil, 0, 0
	return n
}

// close makes put refuse. What is queued can still be taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake()
}

// closeIfEmpty closes the queue unless something is in it.
func (q *queue) closeIfEmpty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.head < len(q.items) {
		return false
	}
	q.closed = true
	return true
}

// state says whether something can be taken; if not, whether nothing more will
// come.
func (q *queue) state() (pending, drained bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	pending = q.head < len(q.items)
	return pending, !pending && q.closed
}

func (q *queue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}
