package shard

import (
	"sync"

	"github.com/holdfast-game/holdfast/cluster"
)

// lot keeps what arrives for a shard while it is on its way between two nodes:
// commands and messages that nobody has looked at yet, in the order of arrival.
// It is bounded by Config.MaxQueued; past that, commands are answered OVERLOADED
// and messages dropped, to be said again by their senders.
type lot struct {
	limit int

	mu      sync.Mutex
	waiting []any // *cluster.Command or *cluster.Message
	parked  uint64
	refused uint64
	closed  bool
}

// verdict says what became of something that arrived.
type verdict int

const (
	parked verdict = iota
	// full: it was counted as refused.
	full
	// elsewhere: the lot is closed, so the shard has come to rest somewhere.
	elsewhere
)

func newLot(limit int) *lot { return &lot{limit: limit} }

// park keeps m.
func (l *lot) park(m any) verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return elsewhere
	case len(l.waiting) >= l.limit:
		l.refused++
		return full
	}
	l.waiting = append(l.waiting, m)
	l.parked++
	return parked
}

// clear closes the lot and returns what waits.
func (l *lot) clear() []any {
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := l.waiting
	l.waiting, l.closed = nil, true
	return waiting
}

// counts returns how much was ever parked and refused.
func (l *lot) counts() (parked, refused uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.parked, l.refused
}

// park keeps a command or message for a shard that is on its way. elsewhere: it
// is not on its way, or not any more.
func (inc *incarnation) park(s cluster.ShardID, m any) verdict {
	if l := inc.lots[s].Load(); l != nil {
		return l.park(m)
	}
	return elsewhere
}
