package history

import (
	"slices"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// bookAudit folds the log anew, by its own understanding of what a slice and a
// player are, and checks that everything adds up.
type bookAudit struct {
	*evidence
	result *Result
}

func (e *evidence) checkBooks(r *Result) {
	r.Unit = "events of slices, orders and accounts"
	a := &bookAudit{evidence: e, result: r}
	for _, s := range e.slices {
		a.slice(s)
	}
	for _, s := range e.slices {
		a.sales(s)
	}
	a.transfers()
	for _, p := range e.players {
		a.orders(p)
		a.evictions(p)
		a.gifts(p)
	}
	a.products()
	a.compare()
}

// slice follows one slice through its events.
func (a *bookAudit) slice(s *slice) {
	s.holds = make(map[orderKey]*hold)
	byPlayer := make(map[uint32][]uint64) // requests held
	sent, received := make(map[uint32]uint64), make(map[uint32]uint64)
	for i := range s.events {
		e := &s.events[i]
		a.result.Checked++
		key := orderKey{e.player, e.request}
		switch e.kind {
		case reserve:
			h := s.hold(key)
			if h.held > 0 {
				a.result.violated("slice %s event %d: %s is reserved again", s.name, e.seq, a.orderName(key))
			}
			h.held += e.amount
			s.free, s.held = s.free-e.amount, s.held+e.amount
			byPlayer[e.player] = append(byPlayer[e.player], e.request)
		case sell:
			h := s.hold(key)
			if h.held == 0 {
				a.result.violated("slice %s event %d: %s is sold, and nothing was held for it", s.name, e.seq, a.orderName(key))
				continue
			}
			h.times++
			h.sold += h.held
			s.held, s.sold = s.held-h.held, s.sold+h.held
			h.held = 0
			byPlayer[e.player] = without(byPlayer[e.player], e.request)
		case release:
			h := s.hold(key)
			if h.held == 0 {
				a.result.violated("slice %s event %d: %s is let go, and nothing was held for it", s.name, e.seq, a.orderName(key))
				continue
			}
			a.released(s, e)
			s.letGo(h)
			byPlayer[e.player] = without(byPlayer[e.player], e.request)
		case closing:
			byPlayer[e.player] = slices.DeleteFunc(byPlayer[e.player], func(n uint64) bool {
				if n > e.request {
					return false
				}
				s.letGo(s.hold(orderKey{e.player, n}))
				return true
			})
		case restock:
			s.free += e.amount
			if e.player == 1 {
				s.initial += e.amount
			} else {
				s.restocked += e.amount
			}
		case lend:
			a.numbered(s, e, sent, "lends to")
			s.free, s.lent = s.free-e.amount, s.lent+e.amount
		case receive:
			a.numbered(s, e, received, "receives from")
			s.free, s.received = s.free+e.amount, s.received+e.amount
		case deliver:
			if sent[e.player] != e.request {
				a.result.violated("slice %s event %d: transfer %d to slice %d has arrived, the last was %d", s.name, e.seq, e.request, e.player, sent[e.player])
			}
		}
		if s.free < 0 {
			a.result.violated("slice %s event %d leaves %d free: oversold", s.name, e.seq, s.free)
		}
	}
}

func (a *bookAudit) numbered(s *slice, e *sliceEvent, last map[uint32]uint64, what string) {
	if e.request != last[e.player]+1 {
		a.result.violated("slice %s event %d %s slice %d transfer %d after %d", s.name, e.seq, what, e.player, e.request, last[e.player])
	}
	last[e.player] = e.request
}

func (s *slice) hold(key orderKey) *hold {
	h := s.holds[key]
	if h == nil {
		h = new(hold)
		s.holds[key] = h
	}
	return h
}

func (s *slice) letGo(h *hold) {
	s.held, s.free = s.held-h.held, s.free+h.held
	h.held = 0
}

// sales checks that a slice sold only to orders that are completed there.
func (a *bookAudit) sales(s *slice) {
	var wrong []string
	for key, h := range s.holds {
		if h.times == 0 {
			continue
		}
		b := a.players[key.player].find(key.request)
		if b == nil || b.completed == 0 || b.loggedSKU != s.sku || b.loggedSlice != s.index {
			wrong = append(wrong, a.orderName(key))
		}
	}
	slices.Sort(wrong)
	for _, name := range wrong {
		a.result.violated("slice %s has sold %s, which is not completed there", s.name, name)
	}
}

func without(list []uint64, n uint64) []uint64 {
	if i := slices.Index(list, n); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}

// released checks that the reason why units were let go is one.
func (a *bookAudit) released(s *slice, e *sliceEvent) {
	p := a.players[e.player]
	b := p.find(e.request)
	here := b != nil && b.completed > 0 && b.loggedSKU == s.sku && b.loggedSlice == s.index
	switch clusterv1.HoldOutcome(e.outcome) {
	case clusterv1.HoldOutcome_HOLD_OUTCOME_COMPLETED_ELSEWHERE:
		if b == nil || b.completed == 0 || here {
			a.result.violated("slice %s event %d lets %s go as completed elsewhere, which it is not", s.name, e.seq, orderName(p.name, e.request))
		}
	case clusterv1.HoldOutcome_HOLD_OUTCOME_DECLINED:
		if b == nil || b.declined == 0 {
			a.result.violated("slice %s event %d lets %s go as declined, which it is not", s.name, e.seq, orderName(p.name, e.request))
		}
	}
}

// transfers checks that what one slice received is what another lent it.
func (a *bookAudit) transfers() {
	type transfer struct {
		sku, from, to uint32
		number        uint64
	}
	lent := make(map[transfer]int64)
	for _, s := range a.slices {
		for i := range s.events {
			if e := &s.events[i]; e.kind == lend {
				lent[transfer{s.sku, s.index, e.player, e.request}] = e.amount
			}
		}
	}
	for _, s := range a.slices {
		for i := range s.events {
			e := &s.events[i]
			if e.kind != receive {
				continue
			}
			a.result.Checked++
			if got := lent[transfer{s.sku, e.player, s.index, e.request}]; got != e.amount {
				a.result.violated("slice %s event %d: transfer %d from slice %d brings %d units, and %d were lent", s.name, e.seq, e.request, e.player, e.amount, got)
			}
		}
	}
}

func (a *bookAudit) orderName(key orderKey) string {
	return orderName(a.players[key.player].name, key.request)
}
