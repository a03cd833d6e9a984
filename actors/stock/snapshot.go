package stock

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// Snapshot implements actors.Behaviour.
func (s *slice) Snapshot() proto.Message {
	st := &journalv1.StockState{
		Initial: s.initial, Restocked: s.restocked, Received: s.received, Lent: s.lent,
		Free: s.free, Sold: s.sold,
		Restocks: s.restocks.Snapshot(),
	}
	if len(s.buyers) > 0 {
		buyers := make([]journalv1.StockBuyer, len(s.buyers))
		st.Buyers = make([]*journalv1.StockBuyer, len(s.buyers))
		for i, b := range s.buyers {
			st.Buyers[i] = &buyers[i]
			buyers[i].Player, buyers[i].Watermark = b.player, b.watermark
			buyers[i].Sold = append([]uint64(nil), b.sold...)
		}
	}
	for h := s.holds.oldest; h != nil; h = h.newer {
		st.Holds = append(st.Holds, &journalv1.StockHold{
			Buyer: uint32(h.buyer.at), Request: h.request, Quantity: h.quantity, At: h.at,
		})
	}
	for i, sib := range s.siblings {
		if sib.sent > 0 || sib.received > 0 {
			st.Siblings = append(st.Siblings, &journalv1.StockSibling{
				Slice: uint32(i), Sent: sib.sent, Received: sib.received, UnderWay: sib.underWay, At: sib.at,
			})
		}
	}
	return st
}

// Restore implements actors.Behaviour.
func (s *slice) Restore(snapshot proto.Message) error {
	st, ok := snapshot.(*journalv1.StockState)
	if !ok {
		return fmt.Errorf("restore slice %s: %T is not a state of this kind", s.ref(), snapshot)
	}
	s.initial, s.restocked, s.received, s.lent = st.GetInitial(), st.GetRestocked(), st.GetReceived(), st.GetLent()
	s.free, s.sold = st.GetFree(), st.GetSold()
	for _, b := range st.GetBuyers() {
		if s.byPlayer[b.GetPlayer()] != nil {
			return fmt.Errorf("restore slice %s: buyer %s twice", s.ref(), b.GetPlayer())
		}
		own := s.buyer(b.GetPlayer())
		own.watermark = b.GetWatermark()
		own.sold = append([]uint64(nil), b.GetSold()...)
	}
	for _, h := range st.GetHolds() {
		if int(h.GetBuyer()) >= len(s.buyers) {
			return fmt.Errorf("restore slice %s: a hold of buyer %d of %d", s.ref(), h.GetBuyer(), len(s.buyers))
		}
		b := s.buyers[h.GetBuyer()]
		own := &hold{buyer: b, request: h.GetRequest(), quantity: h.GetQuantity(), at: h.GetAt()}
		b.holds = append(b.holds, own)
		s.holds.push(own)
		s.held += own.quantity
	}
	for _, sib := range st.GetSiblings() {
		if err := s.checkSibling(sib.GetSlice()); err != nil {
			return fmt.Errorf("restore slice %s: %w", s.ref(), err)
		}
		own := s.sibling(sib.GetSlice())
		own.sent, own.received = sib.GetSent(), sib.GetReceived()
		own.underWay, own.at = sib.GetUnderWay(), sib.GetAt()
		if own.underWay > 0 {
			s.underWay++
		}
	}
	s.restocks.Restore(st.GetRestocks())
	if err := s.check(); err != nil {
		return fmt.Errorf("restore slice %s: %w", s.ref(), err)
	}
	s.level.touched()
	return nil
}
