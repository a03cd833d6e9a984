package stock

import (
	"fmt"
	"time"

	"github.com/holdfast-game/holdfast/actors"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// decideBorrow gives half of what is free to a sibling that is empty, or says
// that there is too little. Half: whoever gives has buyers too, and two slices
// that lend each other what is left would otherwise play ping-pong.
func (s *slice) decideBorrow(env *actors.Env, from actors.Ref, out *actors.Decision) error {
	i, err := s.siblingOf(from)
	if err != nil {
		return err
	}
	sib := s.known(i)
	if sib.underWay > 0 {
		out.Send(from, &clusterv1.Transfer{Number: sib.sent, Quantity: sib.underWay})
		return nil
	}
	half := s.free / 2
	if half < s.cfg.LendMin {
		if s.free == 0 {
			s.change.told = true
			s.change.sibling = i
			s.change.at = env.Now.UnixNano()
		}
		out.Send(from, &clusterv1.Dry{Free: s.free, Moving: s.moving(env.Now)})
		return nil
	}
	e := &journalv1.StockLent{To: i, Number: sib.sent + 1, Quantity: half, At: env.Now.UnixNano()}
	out.Event(&journalv1.StockEvent{Change: &journalv1.StockEvent_Lent{Lent: e}})
	out.Send(from, &clusterv1.Transfer{Number: e.GetNumber(), Quantity: half})
	return nil
}

// resendTransfers repeats what was not acknowledged.
func (s *slice) resendTransfers(now time.Time, out *actors.Decision) {
	if s.underWay == 0 {
		return
	}
	for i := range s.siblings {
		if sib := &s.siblings[i]; sib.underWay > 0 && passed(now, s.nextResend(sib)) {
			s.change.resent = now.UnixNano()
			out.Send(Ref(s.sku, uint32(i)), &clusterv1.Transfer{Number: sib.sent, Quantity: sib.underWay})
		}
	}
}

func (s *slice) nextResend(sib *sibling) int64 {
	return max(sib.at, sib.resent) + int64(s.cfg.Resend)
}

// decideTransfer takes in units, once, and acknowledges them.
func (s *slice) decideTransfer(env *actors.Env, from actors.Ref, m *clusterv1.Transfer, out *actors.Decision) error {
	i, err := s.siblingOf(from)
	if err != nil {
		return err
	}
	sib := s.known(i)
	switch {
	case m.GetNumber() == sib.received+1 && m.GetQuantity() > 0:
		out.Event(&journalv1.StockEvent{Change: &journalv1.StockEvent_Received{Received: &journalv1.StockReceived{
			From: i, Number: m.GetNumber(), Quantity: m.GetQuantity(),
		}}})
		s.tellRefilled(env.Now, out)
	case m.GetNumber() > sib.received:
		return fmt.Errorf("slice %s: transfer %d of %d units from %s follows upon %d", s.ref(), m.GetNumber(), m.GetQuantity(), from, sib.received)
	}
	s.change.refilled = true // it had something after all
	s.change.sibling = i
	out.Send(from, &clusterv1.TransferAck{Number: m.GetNumber()})
	return nil
}

// decideTransferAck ends a transfer.
func (s *slice) decideTransferAck(from actors.Ref, m *clusterv1.TransferAck, out *actors.Decision) error {
	i, err := s.siblingOf(from)
	if err != nil {
		return err
	}
	if sib := s.known(i); sib.underWay > 0 && m.GetNumber() == sib.sent {
		out.Event(&journalv1.StockEvent{Change: &journalv1.StockEvent_Delivered{Delivered: &journalv1.StockDelivered{
			To: i, Number: m.GetNumber(),
		}}})
	}
	return nil
}

// tellRefilled takes back what siblings were told while nothing was left here.
func (s *slice) tellRefilled(now time.Time, out *actors.Decision) {
	if s.free > 0 {
		return
	}
	for i := range s.siblings {
		if s.siblings[i].told+int64(s.cfg.DryFor) > now.UnixNano() {
			out.Send(Ref(s.sku, uint32(i)), &clusterv1.Refilled{})
			s.change.untold = true
		}
	}
}

func (s *slice) applyLent(e *journalv1.StockLent) error {
	if err := s.checkSibling(e.GetTo()); err != nil {
		return err
	}
	sib := s.sibling(e.GetTo())
	if sib.underWay > 0 || e.GetNumber() != sib.sent+1 || e.GetQuantity() <= 0 {
		return fmt.Errorf("lend %d units as transfer %d to slice %d: the last was %d, with %d units under way",
			e.GetQuantity(), e.GetNumber(), e.GetTo(), sib.sent, sib.underWay)
	}
	sib.sent, sib.underWay, sib.at = e.GetNumber(), e.GetQuantity(), e.GetAt()
	s.underWay++
	s.free -= e.GetQuantity()
	s.lent += e.GetQuantity()
	return nil
}

func (s *slice) applyReceived(e *journalv1.StockReceived) error {
	if err := s.checkSibling(e.GetFrom()); err != nil {
		return err
	}
	sib := s.sibling(e.GetFrom())
	if e.GetNumber() != sib.received+1 || e.GetQuantity() <= 0 {
		return fmt.Errorf("receive %d units as transfer %d from slice %d: the last was %d",
			e.GetQuantity(), e.GetNumber(), e.GetFrom(), sib.received)
	}
	sib.received = e.GetNumber()
	s.free += e.GetQuantity()
	s.received += e.GetQuantity()
	return nil
}

func (s *slice) applyDelivered(e *journalv1.StockDelivered) error {
	if err := s.checkSibling(e.GetTo()); err != nil {
		return err
	}
	sib := s.sibling(e.GetTo())
	if sib.underWay == 0 || e.GetNumber() != sib.sent {
		return fmt.Errorf("end transfer %d to slice %d: the last was %d, with %d units under way",
			e.GetNumber(), e.GetTo(), sib.sent, sib.underWay)
	}
	sib.underWay = 0
	s.underWay--
	return nil
}

func (s *slice) checkSibling(i uint32) error {
	if i >= MaxSlices || i == s.index {
		return fmt.Errorf("slice %d is no sibling", i)
	}
	return nil
}
