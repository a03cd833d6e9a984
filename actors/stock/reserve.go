package stock

import (
	"fmt"

	"github.com/holdfast-game/holdfast/actors"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// decideReserve answers a player who wants units for an order.
func (s *slice) decideReserve(env *actors.Env, from actors.Ref, m *clusterv1.Reserve, out *actors.Decision) error {
	if from.Kind != BuyerKind || m.GetQuantity() <= 0 || m.GetRequest() == 0 {
		return fmt.Errorf("slice %s: reserve %d for order %d of %s makes no sense", s.ref(), m.GetQuantity(), m.GetRequest(), from)
	}
	b := s.byPlayer[from.ID]
	if b.closed(m.GetRequest()) {
		return nil // a copy from long ago; nobody waits
	}
	booked, recorded := s.settle(b, m.GetConfirmed(), m.GetWatermark())
	h := b.hold(m.GetRequest())
	switch {
	case h == nil && b.hasSold(m.GetRequest()): // a late copy
		s.sell(from.ID, b, booked, m.GetWatermark(), out)
		out.Send(from, &clusterv1.Confirmed{Requests: []uint64{m.GetRequest()}})
		if len(recorded) > 0 {
			out.Send(from, &clusterv1.Confirmed{Requests: recorded})
		}
		return nil

	case h == nil && m.GetQuantity() <= s.free:
		e := &s.scratch.reserved
		e.Player, e.Request, e.Quantity = from.ID, m.GetRequest(), m.GetQuantity()
		e.At, e.Sold, e.Watermark = env.Now.UnixNano(), booked, raised(b, m.GetWatermark())
		s.scratch.inner.reserved.Reserved = e
		s.event.Change = &s.scratch.inner.reserved
		out.Event(&s.event)
		s.announceIfZero(env, s.free-m.GetQuantity(), out)

	case h != nil && h.quantity == m.GetQuantity(): // a copy
		s.sell(from.ID, b, booked, m.GetWatermark(), out)

	default:
		// Too little; or the number was used with other contents before the
		// player forgot it in a crash, and what is held for those is not what
		// is wanted now.
		s.sell(from.ID, b, booked, m.GetWatermark(), out)
		if s.free == 0 && h == nil {
			s.borrow(env, out)
		}
		out.Send(from, &clusterv1.SoldOut{
			Request: m.GetRequest(), Quantity: m.GetQuantity(), Confirmed: recorded,
			Empty: s.emptySiblings(env.Now), Moving: s.moving(env.Now),
		})
		return nil
	}
	out.Send(from, &clusterv1.Reserved{Request: m.GetRequest(), Quantity: m.GetQuantity(), Confirmed: recorded})
	return nil
}

// decideConfirm books held orders as sold and acknowledges them.
func (s *slice) decideConfirm(from actors.Ref, m *clusterv1.Confirm, out *actors.Decision) error {
	if from.Kind != BuyerKind {
		return fmt.Errorf("slice %s: confirm from %s", s.ref(), from)
	}
	b := s.byPlayer[from.ID]
	booked, recorded := s.settle(b, m.GetRequests(), m.GetWatermark())
	s.sell(from.ID, b, booked, m.GetWatermark(), out)
	if len(recorded) > 0 {
		out.Send(from, &clusterv1.Confirmed{Requests: recorded})
	}
	return nil
}

// settle splits what a player says is completed: booked is what has to be
// booked as sold now, recorded what is booked after that and so may be
// acknowledged. An order that is neither held nor known as sold is left out: to
// acknowledge it would be to lose it.
func (s *slice) settle(b *buyer, confirmed []uint64, watermark uint64) (booked, recorded []uint64) {
	held := 0
	known := 0
	for _, n := range confirmed {
		switch {
		case b.hold(n) != nil:
			held++
			known++
		case b.hasSold(n), b.closed(n), n <= watermark:
			known++
		}
	}
	// Nearly always all of them are held. Messages are never changed, so their
	// parts can be shared.
	if held == len(confirmed) {
		return confirmed, confirmed
	}
	for _, n := range confirmed {
		if b.hold(n) != nil {
			booked = append(booked, n)
		}
	}
	if known == len(confirmed) {
		return booked, confirmed
	}
	for _, n := range confirmed {
		if b.hold(n) != nil || b.hasSold(n) || b.closed(n) || n <= watermark {
			recorded = append(recorded, n)
		}
	}
	return booked, recorded
}

// sell adds the event that books orders as sold, if there are any.
func (s *slice) sell(player string, b *buyer, booked []uint64, watermark uint64, out *actors.Decision) {
	if len(booked) == 0 {
		return
	}
	e := &s.scratch.sold
	e.Player, e.Requests, e.Watermark = player, booked, raised(b, watermark)
	s.scratch.inner.sold.Sold = e
	s.event.Change = &s.scratch.inner.sold
	out.Event(&s.event)
}

// raised returns the watermark if it is news, else 0.
func raised(b *buyer, watermark uint64) uint64 {
	if b != nil && watermark <= b.watermark {
		return 0
	}
	return watermark
}

func (s *slice) applyReserved(e *journalv1.StockReserved) error {
	b := s.buyer(e.GetPlayer())
	if err := s.book(b, e.GetSold()); err != nil {
		return err
	}
	if b.hold(e.GetRequest()) != nil || b.hasSold(e.GetRequest()) {
		return fmt.Errorf("reserve for order %s/%d: known already", b.player, e.GetRequest())
	}
	h := s.spare
	s.spare = nil
	if h == nil {
		h = new(hold)
	}
	*h = hold{buyer: b, request: e.GetRequest(), quantity: e.GetQuantity(), at: e.GetAt()}
	b.holds = append(b.holds, h)
	s.holds.push(h)
	s.free -= h.quantity
	s.held += h.quantity
	s.raise(b, e.GetWatermark())
	return nil
}

func (s *slice) applySold(e *journalv1.StockSold) error {
	b := s.byPlayer[e.GetPlayer()]
	if b == nil {
		return fmt.Errorf("sell to %s: nothing is held", e.GetPlayer())
	}
	if err := s.book(b, e.GetRequests()); err != nil {
		return err
	}
	s.raise(b, e.GetWatermark())
	return nil
}

// book turns held orders into sold ones.
func (s *slice) book(b *buyer, requests []uint64) error {
	for _, n := range requests {
		h := b.hold(n)
		if h == nil {
			return fmt.Errorf("sell order %s/%d: not held", b.player, n)
		}
		s.held -= h.quantity
		s.sold += h.quantity
		s.drop(h)
		b.noteSold(n)
	}
	return nil
}

// raise forgets what a player has closed. A hold among it belongs to an order
// that was not completed here: the player closes none before its slice has
// acknowledged it.
func (s *slice) raise(b *buyer, watermark uint64) {
	if watermark <= b.watermark {
		return
	}
	b.watermark = watermark
	past := 0
	for past < len(b.sold) && b.sold[past] <= watermark {
		past++
	}
	b.sold = append(b.sold[:0], b.sold[past:]...)
	for i := len(b.holds) - 1; i >= 0; i-- {
		if h := b.holds[i]; h.request <= watermark {
			s.free += h.quantity
			s.held -= h.quantity
			s.drop(h)
		}
	}
	s.forgetIfIdle(b)
}

// drop ends a hold; its units are booked elsewhere by the caller.
func (s *slice) drop(h *hold) {
	s.holds.remove(h)
	holds := h.buyer.holds
	for i := range holds {
		if holds[i] == h {
			holds[i] = holds[len(holds)-1]
			holds[len(holds)-1] = nil
			h.buyer.holds = holds[:len(holds)-1]
			break
		}
	}
	h.buyer = nil
	s.spare = h
}
