package stock

import (
	"fmt"
	"time"

	"github.com/holdfast-game/holdfast/actors"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// sibling is what a slice knows of another slice of its product.
type sibling struct {
	// Journaled: numbers of the last transfers to and from it, and what the last
	// one to it carries until it is acknowledged.
	sent, received uint64
	underWay       int64
	at             int64

	// Volatile, in Unix nanoseconds.
	resent   int64 // when the transfer was sent again last
	dryUntil int64 // it had nothing to lend
	empty    bool  // nor anything left at all
	told     int64 // when it was told that nothing is left here
}

// borrowing is how far a slice has come in asking its siblings. Volatile.
type borrowing struct {
	asked int64  // when a sibling was asked last
	whom  uint32 // which one
	open  bool   // it has not answered, and may have something

	// What emptySiblings has computed, and until when it holds.
	empty      []uint32
	emptyUntil int64
}

// sibling returns the record of another slice, making one if there is none.
func (s *slice) sibling(i uint32) *sibling {
	for uint32(len(s.siblings)) <= i {
		s.siblings = append(s.siblings, sibling{})
	}
	return &s.siblings[i]
}

// known is sibling for readers: it adds nothing.
func (s *slice) known(i uint32) sibling {
	if i < uint32(len(s.siblings)) {
		return s.siblings[i]
	}
	return sibling{}
}

// siblingOf returns the slice number of the sender of a message.
func (s *slice) siblingOf(from actors.Ref) (uint32, error) {
	if from.Kind == KindName {
		if sku, i, err := ParseID(from.ID); err == nil && sku == s.sku && i != s.index {
			return i, nil
		}
	}
	return 0, fmt.Errorf("slice %s: %s is not another slice of the product", s.ref(), from)
}

// borrow asks one sibling for units, those of this node first, if none was
// asked in the last moment. It is called when the slice is empty and wanted:
// what is not wanted need not move.
func (s *slice) borrow(env *actors.Env, out *actors.Decision) {
	now := env.Now.UnixNano()
	if now < s.borrowing.asked+int64(s.cfg.BorrowEvery) {
		return
	}
	n := s.slices()
	var best actors.Ref
	var whom uint32
	for step := uint32(1); step < n; step++ {
		i := (s.index + step) % n
		// Half of DryFor before the end the answer is refreshed, so that while
		// everything is sold out there is always one to tell players of.
		if now < s.known(i).dryUntil-int64(s.cfg.DryFor)/2 {
			continue
		}
		ref := Ref(s.sku, i)
		local := env.Local != nil && env.Local(ref)
		if best.ID == "" || local {
			best, whom = ref, i
		}
		if local {
			break
		}
	}
	if best.ID == "" {
		return
	}
	s.change.borrow = true
	s.change.hopeful = now >= s.known(whom).dryUntil
	s.change.sibling = whom
	s.change.at = now
	out.Send(best, &clusterv1.Borrow{})
}

// moving says that units may be on their way between this slice and others, so
// that a player who finds every slice empty should look again.
func (s *slice) moving(now time.Time) bool {
	if s.underWay > 0 || s.change.hopeful {
		return true
	}
	return s.borrowing.open && now.UnixNano() < s.borrowing.asked+int64(s.cfg.Resend)
}

// emptySiblings lists the slices that said a moment ago that nothing is left.
// The list is computed at most every few milliseconds and shared by messages.
func (s *slice) emptySiblings(now time.Time) []uint32 {
	t := now.UnixNano()
	if t < s.borrowing.emptyUntil {
		return s.borrowing.empty
	}
	s.change.listed = true
	s.change.empty = nil
	s.change.emptyUntil = t + int64(s.cfg.BorrowEvery)
	for i := range s.siblings {
		if sib := &s.siblings[i]; sib.empty && t < sib.dryUntil {
			s.change.empty = append(s.change.empty, uint32(i))
			s.change.emptyUntil = min(s.change.emptyUntil, sib.dryUntil)
		}
	}
	return s.change.empty
}

// decideDry notes that a sibling has nothing to lend.
func (s *slice) decideDry(env *actors.Env, from actors.Ref, m *clusterv1.Dry) error {
	i, err := s.siblingOf(from)
	if err != nil {
		return err
	}
	s.change.dry = true
	s.change.sibling = i
	s.change.at = env.Now.UnixNano()
	s.change.dryEmpty = m.GetFree() == 0 && !m.GetMoving()
	return nil
}

// decideRefilled forgets that a sibling was dry.
func (s *slice) decideRefilled(from actors.Ref) error {
	i, err := s.siblingOf(from)
	if err != nil {
		return err
	}
	s.change.refilled = true
	s.change.sibling = i
	return nil
}
