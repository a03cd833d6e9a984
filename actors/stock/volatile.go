package stock

import (
	"time"

	"github.com/holdfast-game/holdfast/actors"
)

// change is what a decision does to volatile state. Fields that stay zero
// change nothing.
type change struct {
	sibling uint32 // whom the next six are about
	at      int64
	borrow  bool // was asked for units ...
	hopeful bool // ... and may have some
	dry     bool // had none to lend ...
	// ... and none left at all.
	dryEmpty bool
	told     bool // was told that none are left here
	refilled bool // has units again

	untold     bool     // nobody is to be told any more
	listed     bool     // the next two were computed anew
	empty      []uint32 // siblings with nothing left
	emptyUntil int64

	announced bool // level was broadcast, with free units
	free      int64
	resent    int64   // transfers that were due were sent again then
	askedAt   int64   // players were asked then ...
	asked     []*hold // ... about these
	now       int64
}

// ApplyVolatile implements actors.Volatile.
func (s *slice) ApplyVolatile(v any) {
	c := v.(*change)
	switch {
	case c.borrow:
		s.borrowing.asked, s.borrowing.whom, s.borrowing.open = c.at, c.sibling, c.hopeful
	case c.dry:
		sib := s.sibling(c.sibling)
		sib.dryUntil, sib.empty = c.at+int64(s.cfg.DryFor), c.dryEmpty
		s.answered(c.sibling)
	case c.told:
		s.sibling(c.sibling).told = c.at
	case c.refilled:
		sib := s.sibling(c.sibling)
		sib.dryUntil, sib.empty = 0, false
		s.answered(c.sibling)
	}
	if c.listed {
		s.borrowing.empty, s.borrowing.emptyUntil = c.empty, c.emptyUntil
	}
	if c.untold {
		for i := range s.siblings {
			s.siblings[i].told = 0
		}
	}
	if c.announced {
		s.level.announced(c.free, c.now)
	}
	if c.resent != 0 {
		for i := range s.siblings {
			if sib := &s.siblings[i]; sib.underWay > 0 && passed(time.Unix(0, c.resent), s.nextResend(sib)) {
				sib.resent = c.resent
			}
		}
	}
	if c.askedAt != 0 {
		s.askedAt = c.askedAt
		for _, h := range c.asked {
			h.asked = c.askedAt
		}
	}
}

// answered notes that the sibling that was asked has answered, and that the
// list of empty siblings is out of date.
func (s *slice) answered(i uint32) {
	if s.borrowing.whom == i {
		s.borrowing.open = false
	}
	s.borrowing.emptyUntil = 0
}

// Busy implements actors.Volatile. What is volatile here speeds things up, but
// can be forgotten at any time.
func (s *slice) Busy() bool { return false }

// NextTimer implements actors.Timed.
func (s *slice) NextTimer() (time.Time, bool) {
	var next int64
	earlier := func(at int64) {
		if next == 0 || at < next {
			next = max(at, 1)
		}
	}
	if at, ok := s.nextAsk(); ok {
		earlier(at)
	}
	if at, ok := s.level.next(s.free, s.cfg.LevelEvery); ok {
		earlier(at)
	}
	if s.underWay > 0 {
		for i := range s.siblings {
			if sib := &s.siblings[i]; sib.underWay > 0 {
				earlier(s.nextResend(sib))
			}
		}
	}
	return time.Unix(0, next), next != 0
}

func (s *slice) decideTimer(env *actors.Env, out *actors.Decision) error {
	s.askPlayers(env.Now, out)
	s.resendTransfers(env.Now, out)
	s.announceIfDue(env, out)
	return nil
}
