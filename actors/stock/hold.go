package stock

import (
	"fmt"
	"time"

	"github.com/holdfast-game/holdfast/actors"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// askBatch bounds how many players one timer asks. The others are asked by the
// next.
const askBatch = 256

// nextAsk says when players should be asked about old holds.
func (s *slice) nextAsk() (int64, bool) {
	if s.holds.oldest == nil {
		return 0, false
	}
	return max(s.holds.oldest.at+int64(s.cfg.HoldAsk), s.askedAt+int64(s.cfg.Resend)), true
}

// askPlayers asks what became of old holds. Asking is all that a timer may do
// about a hold: the units may have been paid for long ago.
func (s *slice) askPlayers(now time.Time, out *actors.Decision) {
	if at, ok := s.nextAsk(); !ok || !passed(now, at) {
		return
	}
	s.change.askedAt = now.UnixNano()
	for h := s.holds.oldest; h != nil && passed(now, h.at+int64(s.cfg.HoldAsk)); h = h.newer {
		if !passed(now, h.asked+int64(s.cfg.Resend)) {
			continue
		}
		if len(s.change.asked) == askBatch {
			return
		}
		s.change.asked = append(s.change.asked, h)
		out.Send(actors.Ref{Kind: BuyerKind, ID: h.buyer.player}, &clusterv1.HoldQuery{Request: h.request})
	}
}

// decideVerdict ends a hold, or lets it stand, as the player says.
func (s *slice) decideVerdict(env *actors.Env, from actors.Ref, m *clusterv1.HoldVerdict, out *actors.Decision) error {
	if from.Kind != BuyerKind {
		return fmt.Errorf("slice %s: verdict from %s", s.ref(), from)
	}
	b := s.byPlayer[from.ID]
	h := b.hold(m.GetRequest())
	switch m.GetOutcome() {
	case clusterv1.HoldOutcome_HOLD_OUTCOME_COMPLETED_HERE:
		return s.decideConfirm(from, &clusterv1.Confirm{Requests: []uint64{m.GetRequest()}, Watermark: m.GetWatermark()}, out)

	case clusterv1.HoldOutcome_HOLD_OUTCOME_COMPLETED_ELSEWHERE,
		clusterv1.HoldOutcome_HOLD_OUTCOME_DECLINED,
		clusterv1.HoldOutcome_HOLD_OUTCOME_CLOSED:
		if h == nil {
			return nil
		}
		out.Event(&journalv1.StockEvent{Change: &journalv1.StockEvent_Released{Released: &journalv1.StockReleased{
			Player: from.ID, Request: m.GetRequest(), Outcome: int32(m.GetOutcome()),
		}}})
		s.tellRefilled(env.Now, out)
	}
	return nil
}

func (s *slice) applyReleased(e *journalv1.StockReleased) error {
	b := s.byPlayer[e.GetPlayer()]
	h := b.hold(e.GetRequest())
	if h == nil {
		return fmt.Errorf("release order %s/%d: not held", e.GetPlayer(), e.GetRequest())
	}
	s.held -= h.quantity
	s.free += h.quantity
	s.drop(h)
	s.forgetIfIdle(b)
	return nil
}
