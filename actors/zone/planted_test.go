package zone

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// bug is a rule broken: each may be nil.
type bug struct {
	name     string
	decide   func(z *zone, msg *actors.Message, out *actors.Decision)
	volatile func(w *world)
	cast     func(z *zone, frame []byte) bool
}

var bugs = []bug{
	{name: "speed not cut", decide: func(z *zone, _ *actors.Message, _ *actors.Decision) {
		if w := &z.change.wish; w.clamped && w.gait == steering {
			w.x, w.y = 3*w.x, 3*w.y
		}
	}},
	{name: "goal not cut", decide: func(z *zone, _ *actors.Message, _ *actors.Decision) {
		if w := &z.change.wish; w.clamped && w.gait == walking {
			w.x -= 1000
		}
	}},
	{name: "the dead obey", volatile: func(w *world) {
		for i := range w.entities {
			if e := &w.entities[i]; e.rises != 0 {
				e.steer(1, 0)
			}
		}
	}},
	{name: "late ticks moved through at once", volatile: func(w *world) {
		for i := range w.entities {
			if e := &w.entities[i]; e.gait == steering {
				e.step(1/float64(w.hz), w.width, w.height)
			}
		}
	}},
	{name: "leaving is not journaled", decide: func(_ *zone, _ *actors.Message, out *actors.Decision) {
		out.Events = slices.DeleteFunc(out.Events, func(e proto.Message) bool { return e.(*journalv1.ZoneEvent).GetLeft() != nil })
	}},
	{name: "entity given twice", decide: func(_ *zone, _ *actors.Message, out *actors.Decision) {
		for _, e := range out.Events {
			if j := e.(*journalv1.ZoneEvent).GetJoined(); j != nil {
				j.Entity = 1
			}
		}
	}},
	{name: "a copy said again", decide: func(z *zone, msg *actors.Message, out *actors.Decision) {
		if msg.Method == MethodSay && len(out.Events) == 0 && len(z.chat.Snapshot().GetLines()) > 0 {
			lines := z.chat.Snapshot().GetLines()
			again := proto.CloneOf(lines[len(lines)-1])
			again.Id++
			again.Request++
			out.Event(&journalv1.ZoneEvent{Change: &journalv1.ZoneEvent_Said{Said: again}})
		}
	}},
	{name: "who stays is not heard", decide: func(z *zone, _ *actors.Message, _ *actors.Decision) { z.change.heard = 0 }},
	{name: "parked is lost", decide: func(z *zone, _ *actors.Message, _ *actors.Decision) {
		if w := z.change.world; w != nil && z.parked != nil {
			for i := range w.entities {
				w.entities[i].x, w.entities[i].y = w.birthplace(w.entities[i].id)
			}
		}
	}},
	{name: "quiet cells are not shown", volatile: func(w *world) {
		for _, c := range w.open {
			if c.stream != nil && !c.dirty {
				c.stream.tick = w.tick
			}
		}
	}},
	{name: "what changes is not noted", volatile: func(w *world) {
		for _, c := range w.open {
			c.dirty = false
		}
	}},
	{name: "population forgotten", volatile: func(w *world) {
		for _, c := range w.open {
			if c.population > 1 {
				c.population--
				return
			}
		}
	}},
}

// TestCrowdFindsPlantedBugs shows that the checks of TestCrowd see each rule
// broken, within as many seeds as it may take.
func TestCrowdFindsPlantedBugs(t *testing.T) {
	const most = 30
	for _, b := range bugs {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			for n := uint64(1); n <= most; n++ {
				c, err := newCrowd(n, b)
				if err == nil {
					err = c.run()
				}
				if err != nil {
					t.Logf("seed %d: %v", n, err)
					return
				}
			}
			t.Fatalf("not found in %d seeds", most)
		})
	}
}
