package journal

import (
	"time"

	"github.com/holdfast-game/holdfast/cluster"
)

// committer decides what to publish, what to read and what is durable. It is a
// state machine: it does no I/O and reads no clock, and whatever it returns may
// get lost, be late or happen twice.
//
// Entry n expects sequence n-1 before itself and so stands at sequence n, if
// anywhere. A window of entries is in flight. Each is resolved by its own
// acknowledgement or by being read back, and becomes durable when all before it
// are. The one that everything waits for is the front.
//
//	sent ──ack───────────────────────────────> acked ──all before it──> durable
//	 │  └─refused─> refused ──front: read n──> own entry n ^
//	 │                  │                  ├─> a seal: fenced, the end
//	 │                  │                  ├─> anything else: diverged, the end
//	 └──no answer───────┴── nothing ───────┴─> all that is not acked is sent
//	                                           again, identical and in order
//
// A refusal alone proves nothing. It may be the answer to a copy of what has
// long been written, and a replicated stream may judge against entries that are
// never committed. Only a seal that was read ends the log.
type committer struct {
	self    cluster.Incarnation
	window  int
	timeout time.Duration

	next    uint64 // number of the next entry
	flight  []slot // numbers next-len(flight) to next-1
	attempt uint64 // names every publish and read, so that answers fit questions

	reading  uint64    // the read under way, 0 for none
	readBy   time.Time // when it counts as lost
	resendAt time.Time // when all that is not acked is sent again; zero: not planned
	failures int       // resends planned since an entry became durable

	ended bool
	out   []effect
}

// slot is one entry in flight.
type slot struct {
	state   slotState
	attempt uint64    // the latest
	due     time.Time // when that counts as lost
}

type slotState uint8

const (
	sent slotState = iota
	refused
	acked
)

// input is what happened.
type input struct {
	kind inputKind
	now  time.Time
	// number is the entry that was acknowledged, refused or failed.
	number uint64
	// attempt is the one that is answered.
	attempt uint64
	// seq is where an acknowledged entry stands.
	seq cluster.LogSeq
	// found is what was read: nil for nothing.
	found *Entry
	// err ends the log.
	err error
}

type inputKind uint8

const (
	// inOffer: an entry was cut. Only when there is room.
	inOffer inputKind = iota
	// inAck: an entry was written, at seq.
	inAck
	// inRefusal: an entry was refused for its expected sequence.
	inRefusal
	// inFailure: an entry could not be published, or the answer was another
	// error; it may have been written nevertheless.
	inFailure
	// inFound: a read was answered.
	inFound
	// inReadFailure: a read was answered by an error.
	inReadFailure
	// inTick: time has passed.
	inTick
	// inReconnect: the connection is back; what was under way on it is lost.
	inReconnect
	// inEnd: the log can no longer be written.
	inEnd
)

// effect is what should be done.
type effect struct {
	kind effectKind
	// number is the entry to publish, or to read; of outDurable the last entry
	// that is durable now.
	number  uint64
	attempt uint64
	// again: the entry was published before.
	again bool
	// err of outEnd is why.
	err error
}

type effectKind uint8

const (
	// outPublish: publish the entry, expecting number-1 before it.
	outPublish effectKind = iota
	// outRead: read what stands at number.
	outRead
	// outDurable: everything up to number is durable.
	outDurable
	// outEnd: the log has ended; nothing will become durable any more.
	outEnd
)

const (
	// The pause before what failed is sent again, doubled each time in a row up
	// to maxPause. A reconnect does not wait for it.
	minPause = 2 * time.Millisecond
	maxPause = 250 * time.Millisecond
)

func newCommitter(self cluster.Incarnation, window int, timeout time.Duration) *committer {
	return &committer{self: self, window: window, timeout: timeout, next: 1}
}

// room says whether an entry may be offered. While something went wrong nothing
// new is begun: it would be refused as well.
func (c *committer) room() bool {
	if c.ended || len(c.flight) >= c.window || c.reading != 0 || !c.resendAt.IsZero() {
		return false
	}
	for i := range c.flight {
		if c.flight[i].state == refused {
			return false
		}
	}
	return true
}

// step takes what happened and returns what to do, in order. The result is
// valid until the next step.
func (c *committer) step(in input) []effect {
	c.out = c.out[:0]
	if c.ended {
		return nil
	}
	switch in.kind {
	case inOffer:
		c.flight = append(c.flight, slot{})
		c.next++
		c.publish(len(c.flight)-1, in.now, false)
	case inAck:
		// Of whichever attempt: the entry is the same.
		if s := c.slot(in.number); s != nil {
			if namesPredecessor && uint64(in.seq) != in.number {
				c.end(ErrDiverged)
				break
			}
			s.state = acked
			c.settle(in.now)
		}
	case inRefusal:
		if s := c.slot(in.number); s != nil && s.attempt == in.attempt && s.state == sent {
			s.state = refused
			c.settle(in.now)
		}
	case inFailure:
		if s := c.slot(in.number); s != nil && s.attempt == in.attempt && s.state == sent {
			c.pause(in.now)
		}
	case inFound:
		if c.reading != 0 && in.attempt == c.reading {
			c.reading = 0
			c.found(in)
		}
	case inReadFailure:
		if c.reading != 0 && in.attempt == c.reading {
			c.reading = 0
			c.pause(in.now)
		}
	case inTick:
		c.tick(in.now)
	case inReconnect:
		c.resend(in.now)
	case inEnd:
		c.end(in.err)
	}
	return c.out
}

// slot returns the entry's slot if it is in flight.
func (c *committer) slot(number uint64) *slot {
	first := c.next - uint64(len(c.flight))
	if number < first || number >= c.next {
		return nil
	}
	return &c.flight[number-first]
}

// settle makes durable what can be, and asks about the front if it was refused.
func (c *committer) settle(now time.Time) {
	n := 0
	for n < len(c.flight) && c.flight[n].state == acked {
		n++
	}
	if n > 0 {
		c.flight = c.flight[:copy(c.flight, c.flight[n:])]
		// A read under way was on behalf of the old front. A resend that is planned
		// may concern the others as well.
		c.reading, c.failures = 0, 0
		if len(c.flight) == 0 {
			c.resendAt = time.Time{}
		}
		c.out = append(c.out, effect{kind: outDurable, number: c.next - uint64(len(c.flight)) - 1})
	}
	if len(c.flight) > 0 && c.flight[0].state == refused && c.reading == 0 && c.resendAt.IsZero() {
		c.attempt++
		c.reading, c.readBy = c.attempt, now.Add(c.timeout)
		c.out = append(c.out, effect{kind: outRead, number: c.next - uint64(len(c.flight)), attempt: c.attempt})
	}
}

// found judges what stands in the front's place.
func (c *committer) found(in input) {
	front := c.next - uint64(len(c.flight))
	switch {
	case in.found == nil:
		c.pause(in.now)
	case in.found.Seal:
		c.end(ErrFenced)
	case in.found.Incarnation == c.self && in.found.Number == front:
		c.flight[0].state = acked
		c.settle(in.now)
	default:
		c.end(ErrDiverged)
	}
}

// tick acts on what is overdue.
func (c *committer) tick(now time.Time) {
	if c.reading != 0 && !now.Before(c.readBy) {
		c.reading = 0
		c.resend(now)
		return
	}
	if !c.resendAt.IsZero() {
		if !now.Before(c.resendAt) {
			c.resend(now)
		}
		return
	}
	for i := range c.flight {
		if c.flight[i].state == sent && !now.Before(c.flight[i].due) {
			c.resend(now)
			return
		}
	}
}

// pause plans a resend.
func (c *committer) pause(now time.Time) {
	if !c.resendAt.IsZero() {
		return
	}
	pause := maxPause
	if c.failures < 16 {
		pause = min(maxPause, minPause<<c.failures)
	}
	c.failures++
	c.resendAt = now.Add(pause)
}

// resend publishes everything that is not acknowledged again, in order.
func (c *committer) resend(now time.Time) {
	c.reading, c.resendAt = 0, time.Time{}
	for i := range c.flight {
		if c.flight[i].state != acked {
			c.publish(i, now, true)
		}
	}
}

func (c *committer) publish(i int, now time.Time, again bool) {
	c.attempt++
	c.flight[i] = slot{state: sent, attempt: c.attempt, due: now.Add(c.timeout)}
	number := c.next - uint64(len(c.flight)) + uint64(i)
	c.out = append(c.out, effect{kind: outPublish, number: number, attempt: c.attempt, again: again})
}

func (c *committer) end(err error) {
	c.ended = true
	c.out = append(c.out, effect{kind: outEnd, err: err})
}

// deadline returns when the next tick is due; zero for never.
func (c *committer) deadline() time.Time {
	if c.ended || len(c.flight) == 0 {
		return time.Time{}
	}
	if !c.resendAt.IsZero() {
		return c.resendAt
	}
	due := time.Time{}
	if c.reading != 0 {
		due = c.readBy
	}
	for i := range c.flight {
		if s := &c.flight[i]; s.state == sent && (due.IsZero() || s.due.Before(due)) {
			due = s.due
		}
	}
	return due
}
