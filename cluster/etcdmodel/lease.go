package etcdmodel

import (
	"maps"
	"slices"
	"time"
)

// lease is until when a lease lasts; a zero ttl is for ever.
type lease struct {
	ttl, until time.Duration
}

// Grant starts a lease that lasts until it is revoked.
func (m *Model) Grant(id int64) { m.leases[id] = new(lease) }

// GrantFor starts a lease that lasts for ttl, counted from now, and longer with
// every KeepAlive. It ends when Expire is called after that.
func (m *Model) GrantFor(id int64, ttl, now time.Duration) {
	m.leases[id] = &lease{ttl: ttl, until: now + ttl}
}

// KeepAlive prolongs a lease, and returns for how long; false: there is none.
func (m *Model) KeepAlive(id int64, now time.Duration) (time.Duration, bool) {
	l := m.leases[id]
	if l == nil {
		return 0, false
	}
	l.until = now + l.ttl
	return l.ttl, true
}

// Leased says whether a lease stands.
func (m *Model) Leased(id int64) bool { return m.leases[id] != nil }

// Elect is a change of the leader: every lease begins anew.
func (m *Model) Elect(now time.Duration) {
	for _, l := range m.leases {
		l.until = now + l.ttl
	}
}

// Expire ends the leases that have run out.
func (m *Model) Expire(now time.Duration) {
	for _, id := range slices.Sorted(maps.Keys(m.leases)) {
		if l := m.leases[id]; l.ttl > 0 && l.until <= now {
			m.Revoke(id)
		}
	}
}

// Revoke ends a lease, and deletes its keys, as one change.
func (m *Model) Revoke(id int64) {
	if m.leases[id] == nil {
		return
	}
	delete(m.leases, id)
	var gone []Event
	for _, key := range m.keys {
		if m.kvs[key].GetLease() == id {
			gone = append(gone, Event{Key: key, Deleted: true, Rev: m.rev + 1})
		}
	}
	m.commit(gone...)
}
