package router

import (
	"sync"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
)

// tables is how many parts the table of pending calls has, each with a lock, so
// that goroutines rarely meet. A power of two.
const tables = 64

// call is a command that waits for its answer. Times are since the router began.
type call struct {
	cmd      *cluster.Command
	waiter   Waiter
	deadline time.Duration
	next     time.Duration // when it is sent again if nothing happens
	pause    time.Duration // the last pause after a "not the owner", 0 if none
	asked    cluster.Epoch // of the owner it was last sent to, 0 if it was not
	silent   bool          // next is due to silence, not the end of a pause
}

// table is one part of the pending calls. Whoever removes a call from it, and
// nobody else, calls its Waiter: that makes it exactly once. Waiters and the
// mesh are never called under the lock, because they may come back here.
type table struct {
	mu     sync.Mutex
	calls  map[uint64]call
	closed bool

	_ [64]byte // no false sharing with the next lock
}

// add adds a call; false when the router is closed.
func (t *table) add(id uint64, c call) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.calls[id] = c
	return true
}

// remove takes a call out.
func (t *table) remove(id uint64) (call, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, ok := t.calls[id]
	if ok {
		delete(t.calls, id)
	}
	return c, ok
}

// close takes everything out and makes add refuse.
func (t *table) close() map[uint64]call {
	t.mu.Lock()
	defer t.mu.Unlock()
	calls := t.calls
	t.calls, t.closed = nil, true
	return calls
}
