package etcdmodel

import "slices"

// Since returns what happened after a revision, in order. ok is false when that
// was compacted away.
func (m *Model) Since(rev int64) (events []Event, ok bool) {
	if rev < m.compacted {
		return nil, false
	}
	at, _ := slices.BinarySearchFunc(m.history, rev+1, func(e Event, rev int64) int { return int(e.Rev - rev) })
	return m.history[at:], true
}

// CompactTo forgets what happened up to a revision.
func (m *Model) CompactTo(rev int64) {
	if rev <= m.compacted || rev > m.rev {
		return
	}
	later, _ := m.Since(rev)
	m.history, m.compacted = slices.Clone(later), rev
}

// All returns every key as it is now.
func (m *Model) All() []Event {
	all := make([]Event, len(m.keys))
	for i, key := range m.keys {
		kv := m.kvs[key]
		all[i] = Event{Key: key, Value: kv.GetValue(), Rev: kv.GetModRevision(), Lease: kv.GetLease()}
	}
	return all
}
