package cluster

import (
	"sync/atomic"
	"time"
)

// instant is one reading of both clocks. The monotonic one does not jump, but
// may stand still while a machine is suspended; the wall clock goes on then,
// but may be set.
type instant struct {
	mono time.Duration // since the process began
	wall time.Duration // since 1970
}

var processStart = time.Now()

func readClocks() instant {
	t := time.Now()
	return instant{mono: t.Sub(processStart), wall: time.Duration(t.UnixNano())}
}

func (t instant) add(d time.Duration) instant { return instant{t.mono + d, t.wall + d} }

// reached says whether either clock has come to deadline d.
func (t instant) reached(d *instant) bool { return t.mono >= d.mono || t.wall >= d.wall }

// lease is the holder's own, pessimistic knowledge of its lease in etcd: until
// when the server cannot have taken it away. It counts from the moment before a
// request was sent, because the server began to count at some moment after.
type lease struct {
	clocks   func() instant
	margin   time.Duration
	deadline atomic.Pointer[instant]
}

// over is a deadline that every clock has reached.
var over = new(instant)

func newLease(clocks func() instant, margin time.Duration) *lease {
	l := &lease{clocks: clocks, margin: margin}
	l.end()
	return l
}

// renew records that a request, which nobody can have received before sent, was
// answered by "alive for ttl from when I received it".
func (l *lease) renew(sent instant, ttl time.Duration) {
	d := sent.add(ttl - l.margin)
	l.deadline.Store(&d)
}

// end makes the lease invalid for good, as long as renew is not called.
func (l *lease) end() { l.deadline.Store(over) }

// valid says whether the lease certainly stands.
func (l *lease) valid() bool { return !l.clocks().reached(l.deadline.Load()) }

// left is the time until the deadline, as the less patient clock has it. Zero
// or less when it has passed.
func (l *lease) left(now instant) time.Duration {
	d := l.deadline.Load()
	return min(d.mono-now.mono, d.wall-now.wall)
}
