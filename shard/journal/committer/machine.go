package committer

import (
	"time"

	"github.com/holdfast-game/holdfast/cluster"
)

// Machine decides what to publish, what to read and what is durable. It is a
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
type Machine struct {
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
	out   []Effect
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

const (
	// The pause before what failed is sent again, doubled each time in a row up
	// to maxPause. A reconnect does not wait for it.
	minPause = 2 * time.Millisecond
	maxPause = 250 * time.Millisecond
)

// New returns a machine for the log of self. window is how many entries may be
// in flight, timeout how long an answer may take.
func New(self cluster.Incarnation, window int, timeout time.Duration) *Machine {
	return &Machine{self: self, window: window, timeout: timeout, next: 1}
}

// Room says whether an entry may be offered. While something went wrong nothing
// new is begun: it would be refused as well.
func (c *Machine) Room() bool {
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

// Step takes what happened and returns what to do, in order. The result is
// valid until the next step.
func (c *Machine) Step(in Input) []Effect {
	c.out = c.out[:0]
	if c.ended {
		return nil
	}
	switch in.Kind {
	case Offer:
		c.flight = append(c.flight, slot{})
		c.next++
		c.publish(len(c.flight)-1, in.Now, false)
	case Ack:
		// Of whichever attempt: the entry is the same.
		if s := c.slot(in.Number); s != nil {
			if NamesPredecessor && uint64(in.Seq) != in.Number {
				c.end(ErrDiverged)
				break
			}
			s.state = acked
			c.settle(in.Now)
		}
	case Refusal:
		if s := c.slot(in.Number); s != nil && s.attempt == in.Attempt && s.state == sent {
			s.state = refused
			c.settle(in.Now)
		}
	case Failure:
		if s := c.slot(in.Number); s != nil && s.attempt == in.Attempt && s.state == sent {
			c.pause(in.Now)
		}
	case Found:
		if c.reading != 0 && in.Attempt == c.reading {
			c.reading = 0
			c.found(in)
		}
	case ReadFailure:
		if c.reading != 0 && in.Attempt == c.reading {
			c.reading = 0
			c.pause(in.Now)
		}
	case Tick:
		c.tick(in.Now)
	case Reconnect:
		c.resend(in.Now)
	case End:
		c.end(in.Err)
	}
	return c.out
}

// slot returns the entry's slot if it is in flight.
func (c *Machine) slot(number uint64) *slot {
	first := c.next - uint64(len(c.flight))
	if number < first || number >= c.next {
		return nil
	}
	return &c.flight[number-first]
}

// settle makes durable what can be, and asks about the front if it was refused.
func (c *Machine) settle(now time.Time) {
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
		c.out = append(c.out, Effect{Kind: Durable, Number: c.next - uint64(len(c.flight)) - 1})
	}
	if len(c.flight) > 0 && c.flight[0].state == refused && c.reading == 0 && c.resendAt.IsZero() {
		c.attempt++
		c.reading, c.readBy = c.attempt, now.Add(c.timeout)
		c.out = append(c.out, Effect{Kind: Read, Number: c.next - uint64(len(c.flight)), Attempt: c.attempt})
	}
}

// found judges what stands in the front's place.
func (c *Machine) found(in Input) {
	front := c.next - uint64(len(c.flight))
	switch {
	case in.Found == nil:
		c.pause(in.Now)
	case in.Found.Seal:
		c.end(ErrFenced)
	case in.Found.Incarnation == c.self && in.Found.Number == front:
		c.flight[0].state = acked
		c.settle(in.Now)
	default:
		c.end(ErrDiverged)
	}
}

// tick acts on what is overdue.
func (c *Machine) tick(now time.Time) {
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
func (c *Machine) pause(now time.Time) {
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
func (c *Machine) resend(now time.Time) {
	c.reading, c.resendAt = 0, time.Time{}
	for i := range c.flight {
		if c.flight[i].state != acked {
			c.publish(i, now, true)
		}
	}
}

func (c *Machine) publish(i int, now time.Time, again bool) {
	c.attempt++
	c.flight[i] = slot{state: sent, attempt: c.attempt, due: now.Add(c.timeout)}
	number := c.next - uint64(len(c.flight)) + uint64(i)
	c.out = append(c.out, Effect{Kind: Publish, Number: number, Attempt: c.attempt, Again: again})
}

func (c *Machine) end(err error) {
	c.ended = true
	c.out = append(c.out, Effect{Kind: Ended, Err: err})
}

// Deadline returns when the next tick is due; zero for never.
func (c *Machine) Deadline() time.Time {
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
