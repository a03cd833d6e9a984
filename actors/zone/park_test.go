package zone

import (
	"fmt"
	"math"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// TestMoveOfAFullZone: what a full zone parks fits into one entry of the log, and
// everything comes back.
func TestMoveOfAFullZone(t *testing.T) {
	spec := yard(500, 50, MaxEntities-1000)
	r := newRig(t, spec)
	for i := range 1000 {
		r.want(fmt.Sprintf("a-player-with-a-rather-long-name-%d", i), MethodEnter, &clusterv1.ZoneEnter{})
	}
	r.wait(3 * time.Second)
	if !r.z.Parts() {
		t.Fatal("nothing to part with")
	}
	if _, err := r.turn(actors.Message{Parting: true}); err != nil {
		t.Fatal(err)
	}
	if n := proto.Size(r.out.Events[0]); n > 400<<10 {
		t.Errorf("the parked world has %d bytes", n)
	}
	was := r.z.world
	next := newZone(r.z.cfg, "yard")
	if err := next.Restore(r.z.Snapshot()); err != nil {
		t.Fatal(err)
	}
	r.z, r.epoch = next, 2
	r.now = r.now.Add(20 * time.Millisecond)
	at, _ := next.NextTimer()
	if at.After(r.now) {
		t.Errorf("the new owner waits until %s", at)
	}
	if _, err := r.turn(actors.Message{Timer: true}); err != nil {
		t.Fatal(err)
	}
	if len(r.frames) == 0 {
		t.Error("the new owner shows nothing at once")
	}
	for i := range was.entities {
		a, b := &was.entities[i], &next.world.entities[i]
		if a.id != b.id || math.Hypot(a.x-b.x, a.y-b.y) > 1e-9 || a.gait != b.gait || a.hp != b.hp {
			t.Fatalf("entity %d was at %g %g, %d, and is at %g %g, %d", a.id, a.x, a.y, a.gait, b.x, b.y, b.gait)
		}
	}
}

// TestParkedWorldThatCannotBe: a journal may say what it wants, nobody ends up
// outside of the world, or twice in it.
func TestParkedWorldThatCannotBe(t *testing.T) {
	r := newRig(t, yard(40, 10, 2))
	r.enter("ann")
	nan := math.NaN()
	r.z.parked = &journalv1.ZoneParked{At: r.now.UnixNano(), Entities: []*journalv1.ParkedEntity{
		{Id: 1, X: nan, Y: 3}, {Id: 7, X: 3, Y: 3, Hp: 1000}, {Id: firstBot, X: -900, Y: 900, Vx: 99, Walks: true, GoalX: 500, Hp: 5000},
		{Id: firstBot, X: 3, Y: 3}, {Id: firstBot + 900, X: 3, Y: 3},
	}}
	r.z.world = nil
	r.wait(5 * time.Second)
	if n := len(r.z.world.entities); n != 3 {
		t.Errorf("%d entities, want ann and two bots", n)
	}
	for _, e := range r.z.world.entities {
		if !(e.x >= 0 && e.x <= 40 && e.y >= 0 && e.y <= 40) || e.hp > fullHP {
			t.Errorf("entity %d is at %g %g with %d hp", e.id, e.x, e.y, e.hp)
		}
	}
}
