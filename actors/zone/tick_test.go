package zone

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/actors"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

func TestTicksComeAtTheirTimes(t *testing.T) {
	r := newRig(t, yard(40, 0, 1))
	r.wait(10 * time.Second)
	if r.steps != 200 || r.skipped != 0 {
		t.Errorf("%d steps in ten seconds, %d skipped", r.steps, r.skipped)
	}
	if at, _ := r.z.NextTimer(); at.Sub(r.now) > 50*time.Millisecond {
		t.Errorf("the next tick is %s away", at.Sub(r.now))
	}
	before := *r.z.world.find(firstBot)
	r.now = r.now.Add(100 * time.Millisecond) // two ticks late
	r.wait(0)
	r.now = r.now.Add(10 * time.Second)
	r.wait(0)
	if r.steps != 205 || r.skipped != 197 {
		t.Errorf("%d steps, %d skipped; want two and then three to be caught up with, the others skipped", r.steps, r.skipped)
	}
	if got := r.z.world.find(firstBot); math.Hypot(got.x-before.x, got.y-before.y) > 5*6./20+1e-9 {
		t.Error("the bot has moved through skipped ticks")
	}
	if want := uint32(402); r.z.world.tick != want {
		t.Errorf("tick %d, want %d", r.z.world.tick, want)
	}
}

func TestClockThatGoesBackIsFollowed(t *testing.T) {
	r := newRig(t, yard(40, 0, 1))
	r.wait(time.Second)
	shown := r.z.world.cells[0].stream.encoder.Header().Time()
	r.now = r.now.Add(-time.Hour)
	r.want("bob", MethodKey, &clusterv1.ZoneKey{}) // a gateway misses the frames
	steps := r.steps
	r.wait(time.Second)
	if r.steps < steps+19 {
		t.Errorf("%d ticks in the second after the clock has gone back", r.steps-steps)
	}
	if again := r.z.world.cells[0].stream.encoder.Header(); !again.Start.After(shown) {
		t.Errorf("the new stream begins at %s, the old one was shown at %s", again.Start, shown)
	}
}

func TestZonesTickAtDifferentMoments(t *testing.T) {
	moments := make(map[int64]int)
	for i := range 100 {
		spec := yard(40, 0, 1)
		spec.Zone.Name = fmt.Sprintf("zone-%d", i)
		w := newWorld(spec.Zone.Name, 1, spec, time.Unix(1_800_000_000, 0))
		moments[w.start%int64(50*time.Millisecond)]++
		if w.start > 1_800_000_000e9 || w.start < 1_800_000_000e9-int64(50*time.Millisecond) {
			t.Fatalf("tick 0 is at %d", w.start)
		}
	}
	if len(moments) < 25 {
		t.Errorf("100 zones tick at %d moments of 50", len(moments))
	}
}

// TestTickAllocatesNothing: the garbage of a thousand zones at twenty ticks a
// second would be work of its own.
func TestTickAllocatesNothing(t *testing.T) {
	for _, mood := range []clusterv1.BotMood{clusterv1.BotMood_BOT_MOOD_WANDER, clusterv1.BotMood_BOT_MOOD_BRAWL} {
		spec := yard(40, 0, 10)
		spec.Mood = mood
		r := newRig(t, spec)
		r.enter("ann")
		r.wait(20 * time.Second)
		env, msg, cast := actors.Env{Epoch: 1}, actors.Message{Self: r.z.ref, Timer: true}, func(string, []byte) {}
		steps := r.steps
		allocations := testing.AllocsPerRun(190, func() { // before ann leaves
			at, _ := r.z.NextTimer()
			env.Now = at
			r.out.Reset()
			if err := r.z.Decide(&env, &msg, &r.out); err != nil {
				t.Fatal(err)
			}
			r.z.ApplyVolatile(r.out.Volatile)
			r.z.Cast(cast)
		})
		if allocations != 0 || r.steps-steps < 190 {
			t.Errorf("%s: %g allocations a tick, %d ticks", mood, allocations, r.steps-steps)
		}
	}
}
