package player_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/player"
	"github.com/holdfast-game/holdfast/actors/stock"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// spoiled is a behaviour with a planted bug.
type spoiled struct {
	actors.Behaviour
	fresh func() actors.Behaviour

	// Each may be nil.
	before func(s *spoiled, msg *actors.Message) *actors.Message
	after  func(s *spoiled, msg *actors.Message, out *actors.Decision)
	state  func(snapshot proto.Message, event proto.Message)
}

func (s *spoiled) Decide(env *actors.Env, msg *actors.Message, out *actors.Decision) error {
	if s.before != nil {
		msg = s.before(s, msg)
	}
	if err := s.Behaviour.Decide(env, msg, out); err != nil {
		return err
	}
	if s.after != nil {
		s.after(s, msg, out)
	}
	return nil
}

func (s *spoiled) Apply(event proto.Message) error {
	if err := s.Behaviour.Apply(event); err != nil {
		return err
	}
	if s.state != nil {
		return s.rewrite(func(snapshot proto.Message) { s.state(snapshot, event) })
	}
	return nil
}

// rewrite changes the state by way of a snapshot.
func (s *spoiled) rewrite(change func(snapshot proto.Message)) error {
	snapshot := s.Snapshot()
	before := proto.Clone(snapshot)
	if change(snapshot); proto.Equal(before, snapshot) {
		return nil
	}
	s.Behaviour = s.fresh()
	return s.Restore(snapshot)
}

func (s *spoiled) ApplyVolatile(change any)         { s.Behaviour.(actors.Volatile).ApplyVolatile(change) }
func (s *spoiled) Busy() bool                       { return s.Behaviour.(actors.Volatile).Busy() }
func (s *spoiled) NextTimer() (time.Time, bool)     { return s.Behaviour.(actors.Timed).NextTimer() }
func (s *spoiled) Accounts(add func(string, int64)) { s.Behaviour.(actors.Accountant).Accounts(add) }

// bug is a rule broken in one kind.
type bug struct {
	name string
	kind string
	spoiled
	// worse makes a plan more likely to meet the bug. Optional.
	worse func(*plan)
}

// plan is the plan of a seed with the bug in it.
func (b *bug) plan(seed uint64) plan {
	p := newPlan(seed)
	if b.worse != nil {
		b.worse(&p)
	}
	p.kinds = b.plant
	return p
}

var bugs = []bug{
	{name: "request table absent", kind: player.KindName, spoiled: spoiled{
		before: func(s *spoiled, msg *actors.Message) *actors.Message {
			if msg.Method != player.MethodBuy {
				return msg
			}
			err := s.rewrite(func(snapshot proto.Message) {
				st := snapshot.(*journalv1.PlayerState)
				st.Orders = slices.DeleteFunc(st.Orders, func(o *journalv1.PlayerOrder) bool { return o.GetRequest() == msg.Request })
			})
			if err != nil {
				panic(err)
			}
			return msg
		},
	}},
	{name: "refusals not journaled", kind: player.KindName, spoiled: spoiled{
		after: func(_ *spoiled, _ *actors.Message, out *actors.Decision) {
			out.Events = slices.DeleteFunc(out.Events, func(e proto.Message) bool {
				return e.(*journalv1.PlayerEvent).GetDeclined() != nil
			})
		},
	}},
	{name: "order evicted before its slice has acknowledged it", kind: player.KindName, spoiled: spoiled{
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
	}, worse: func(p *plan) { p.orders, p.requests = 2, 12 }},
	{name: "order completed elsewhere booked as sold here", kind: player.KindName, spoiled: spoiled{
		after: func(_ *spoiled, _ *actors.Message, out *actors.Decision) {
			for _, m := range out.Sends {
				if v, ok := m.Body.(*clusterv1.HoldVerdict); ok && v.GetOutcome() == clusterv1.HoldOutcome_HOLD_OUTCOME_COMPLETED_ELSEWHERE {
					v.Outcome = clusterv1.HoldOutcome_HOLD_OUTCOME_COMPLETED_HERE
				}
			}
		},
	}},
	{name: "unknown order declined without a record", kind: player.KindName, spoiled: spoiled{
		after: func(_ *spoiled, msg *actors.Message, out *actors.Decision) {
			if _, ok := msg.Body.(*clusterv1.HoldQuery); ok {
				out.Events = nil
			}
		},
	}, worse: (*plan).storm},
	{name: "hold released by a timer", kind: stock.KindName, spoiled: spoiled{
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
	}},
	{name: "slice forgets sold orders", kind: stock.KindName, spoiled: spoiled{
		state: func(snapshot, _ proto.Message) {
			for _, b := range snapshot.(*journalv1.StockState).GetBuyers() {
				b.Sold = nil
			}
		},
	}},
	{name: "slice acknowledges what it has not recorded", kind: stock.KindName, spoiled: spoiled{
		after: func(_ *spoiled, _ *actors.Message, out *actors.Decision) {
			out.Events = slices.DeleteFunc(out.Events, func(e proto.Message) bool {
				return e.(*journalv1.StockEvent).GetSold() != nil
			})
		},
	}},
	{name: "copy of a transfer received again", kind: stock.KindName, spoiled: spoiled{
		before: func(s *spoiled, msg *actors.Message) *actors.Message {
			m, ok := msg.Body.(*clusterv1.Transfer)
			if !ok {
				return msg
			}
			_, from, _ := stock.ParseID(msg.From.ID)
			next := uint64(1)
			for _, sib := range s.Snapshot().(*journalv1.StockState).GetSiblings() {
				if sib.GetSlice() == from {
					next = sib.GetReceived() + 1
				}
			}
			again := *msg
			again.Body = &clusterv1.Transfer{Number: next, Quantity: m.GetQuantity()}
			return &again
		},
	}},
}

// plant returns the kinds with the bug in one of them.
func (b *bug) plant(kinds ...actors.Kind) []actors.Kind {
	for i := range kinds {
		if kinds[i].Name != b.kind {
			continue
		}
		sound := kinds[i].New
		kinds[i].New = func(id string) actors.Behaviour {
			s := b.spoiled
			s.fresh = func() actors.Behaviour { return sound(id) }
			s.Behaviour = s.fresh()
			return &s
		}
	}
	return kinds
}

// TestSaleFindsPlantedBugs shows that the checks of TestSale see each rule
// broken, within as many seeds as it may take.
func TestSaleFindsPlantedBugs(t *testing.T) {
	const most = 5000
	for _, b := range bugs {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			for n := uint64(1); n <= most; n++ {
				if err := runSale(b.plan(n)); err != nil {
					t.Logf("seed %d: %v", n, err)
					return
				}
			}
			t.Fatalf("not found in %d seeds", most)
		})
	}
}
