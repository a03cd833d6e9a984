package sim

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/player"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// spoiled is an actor with a bug in it.
type spoiled struct {
	whole
	fresh func() whole

	// Each may be nil.
	before func(s *spoiled, msg *actors.Message)
	after  func(s *spoiled, msg *actors.Message, out *actors.Decision)
}

// Decide implements actors.Behaviour.
func (s *spoiled) Decide(env *actors.Env, msg *actors.Message, out *actors.Decision) error {
	if s.before != nil {
		s.before(s, msg)
	}
	if err := s.whole.Decide(env, msg, out); err != nil {
		return err
	}
	if s.after != nil {
		s.after(s, msg, out)
	}
	return nil
}

// rewrite changes the state by way of a snapshot. What is volatile is lost.
func (s *spoiled) rewrite(change func(snapshot proto.Message)) {
	snapshot := s.Snapshot()
	before := proto.Clone(snapshot)
	if change(snapshot); proto.Equal(before, snapshot) {
		return
	}
	s.whole = s.fresh()
	if err := s.Restore(snapshot); err != nil {
		panic(err)
	}
}

// Players come first, slices second.
const (
	ofPlayers = iota
	ofSlices
)

// spoil puts a bug into one of the kinds.
func spoil(which int, bad spoiled) func([]actors.Kind) {
	return func(kinds []actors.Kind) {
		sound := kinds[which].New
		kinds[which].New = func(id string) actors.Behaviour {
			s := bad
			s.fresh = func() whole { return sound(id).(whole) }
			s.whole = s.fresh()
			return &s
		}
	}
}

var purchaseBugs = []bug{
	{Plant: Plant{"unrecorded-ack", "a slice acknowledges what it has not recorded"}, kinds: spoil(ofSlices, spoiled{
		after: func(_ *spoiled, _ *actors.Message, out *actors.Decision) {
			out.Events = slices.DeleteFunc(out.Events, func(e proto.Message) bool { return e.(*journalv1.StockEvent).GetSold() != nil })
		},
	})},
	{Plant: Plant{"no-request-table", "a request that is known is done again"}, kinds: spoil(ofPlayers, spoiled{
		before: func(s *spoiled, msg *actors.Message) {
			if msg.Method == player.MethodBuy {
				s.rewrite(func(snapshot proto.Message) {
					st := snapshot.(*journalv1.PlayerState)
					st.Orders = slices.DeleteFunc(st.Orders, func(o *journalv1.PlayerOrder) bool { return o.GetRequest() == msg.Request })
				})
			}
		},
	})},
	{Plant: Plant{"refusal-not-journaled", "a refusal is answered and not journaled"}, kinds: spoil(ofPlayers, spoiled{
		after: func(_ *spoiled, _ *actors.Message, out *actors.Decision) {
			out.Events = slices.DeleteFunc(out.Events, func(e proto.Message) bool { return e.(*journalv1.PlayerEvent).GetDeclined() != nil })
		},
	})},
	{Plant: Plant{"hold-timeout", "a hold is released by a timer"}, witness: 2, kinds: spoil(ofSlices, spoiled{
		after: func(_ *spoiled, msg *actors.Message, out *actors.Decision) {
			if !msg.Timer {
				return
			}
			for _, m := range out.Sends {
				if q, ok := m.Body.(*clusterv1.HoldQuery); ok {
					out.Event(&journalv1.StockEvent{Change: &journalv1.StockEvent_Released{Released: &journalv1.StockReleased{
						Player: m.To.ID, Request: q.GetRequest(),
					}}})
				}
			}
		},
	})},
	{Plant: Plant{"elsewhere-sold-here", "an order completed in another slice is booked as sold"}, witness: 49, weather: func(x *weather) {
		x.slices, x.moves, x.latency, x.holdAsk, x.faults = 6, 1, 20*time.Millisecond, time.Second, 500*time.Millisecond
	}, kinds: spoil(ofPlayers, spoiled{
		after: func(_ *spoiled, _ *actors.Message, out *actors.Decision) {
			for _, m := range out.Sends {
				if v, ok := m.Body.(*clusterv1.HoldVerdict); ok && v.GetOutcome() == clusterv1.HoldOutcome_HOLD_OUTCOME_COMPLETED_ELSEWHERE {
					v.Outcome = clusterv1.HoldOutcome_HOLD_OUTCOME_COMPLETED_HERE
				}
			}
		},
	})},
	{Plant: Plant{"early-eviction", "a completed order is evicted before its slice has acknowledged it"}, witness: 3, kinds: spoil(ofPlayers, spoiled{
		after: func(s *spoiled, _ *actors.Message, out *actors.Decision) {
			for _, e := range out.Events {
				e := e.(*journalv1.PlayerEvent)
				e.Acknowledged = nil
				for _, o := range s.Snapshot().(*journalv1.PlayerState).GetOrders() {
					if o.GetState() == 3 { // granted
						e.Acknowledged = append(e.Acknowledged, o.GetRequest())
					}
				}
			}
		},
	})},
}
