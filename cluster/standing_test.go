package cluster

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// loaded is a world of three nodes and 64 shards that has settled under a load.
func loaded(t *testing.T, seed uint64) *planWorld {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 4))
	w := newPlanWorld(r, 64, "a", "b", "c")
	w.lossy = seed%2 == 0
	w.drawRates()
	must(t, seed, w.settle(time.Minute))
	w.run(time.Minute)
	return w
}

// drawRates gives the shards loads, none of which is very heavy.
func (w *planWorld) drawRates() {
	scale := []float64{0, 20, 200}[w.IntN(3)]
	even := w.IntN(2) == 0
	for s := range w.rate {
		w.rate[s] = scale * (1 + 0.1*w.Float64())
		if !even {
			w.rate[s] = scale * min(4, w.ExpFloat64())
		}
	}
}

func must(t *testing.T, seed uint64, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v\nrepeat with -run %s -seed %d", err, t.Name(), seed)
	}
}

// wantEven fails unless load is within 15 % of even.
func (w *planWorld) wantEven(t *testing.T, seed uint64) {
	t.Helper()
	if off := w.uneven(); off > 0.15 {
		t.Fatalf("load is %.3f off even: %v\nrepeat with -run %s -seed %d", off, w.owners(), t.Name(), seed)
	}
}

// TestPlannerIsStill: under a load that stays as it is, whatever the noise,
// nothing moves.
func TestPlannerIsStill(t *testing.T) {
	t.Parallel()
	for seed := range seeds(3) {
		w := loaded(t, seed)
		w.run(2 * time.Minute) // There may be one more round, once loads are known.
		must(t, seed, w.settle(time.Minute))
		w.changes = 0
		w.run(10 * time.Minute)
		if w.changes > 0 {
			t.Fatalf("%d shards were moved for nothing\nrepeat with -run %s -seed %d", w.changes, t.Name(), seed)
		}
		if p := w.standing(); len(p.Moves) > 0 {
			t.Fatalf("it proposes %v\nrepeat with -run %s -seed %d", p.Moves, t.Name(), seed)
		}
	}
}

// standing is what the planner would do by itself.
func (w *planWorld) standing() Proposal {
	in := w.snap.input(w.snap.eligible(), nil)
	in.Begin = standingTolerance
	return Propose(in)
}

// TestRebalanceIsWhatWasProposed: an operator looks, looks again, does it, and
// does it again.
func TestRebalanceIsWhatWasProposed(t *testing.T) {
	t.Parallel()
	for seed := range seeds(12) {
		w := loaded(t, seed)
		for range 12 { // Somebody moves shards by hand.
			w.assign(ShardID(w.IntN(64)), nodeName(w.IntN(2)))
		}
		must(t, seed, w.settle(time.Minute))
		w.run(16 * time.Second) // What has moved is measured again.
		dry := w.propose()
		w.run(10 * time.Second)
		done := w.rebalance()
		if !slices.EqualFunc(dry.Moves, done.Moves, sameMove) {
			t.Fatalf("proposed %v, then %v\nrepeat with -run %s -seed %d", dry.Moves, done.Moves, t.Name(), seed)
		}
		if len(done.Moves) == 0 {
			continue
		}
		w.changes, w.most = 0, 0
		must(t, seed, w.settle(time.Minute))
		if w.changes != len(done.Moves) || w.most > DefaultMaxMoving {
			t.Fatalf("%d moves, %d at a time, want %d\nrepeat with -run %s -seed %d", w.changes, w.most, len(done.Moves), t.Name(), seed)
		}
		w.wantEven(t, seed)
		for range 20 {
			if again := w.rebalance(); len(again.Moves) > 0 {
				t.Fatalf("a second one would move %v\nrepeat with -run %s -seed %d", again.Moves, t.Name(), seed)
			}
			w.run(3 * time.Second)
		}
	}
}

// sameMove takes moves for the same whose shards have become a little heavier.
func sameMove(x, y PlannedMove) bool {
	x.Weight = y.Weight
	return x == y
}

// TestNewNodeIsFilled by the planner alone, soon, and a few shards at a time.
func TestNewNodeIsFilled(t *testing.T) {
	t.Parallel()
	for seed := range seeds(6) {
		w := loaded(t, seed)
		before := w.owners()
		w.changes, w.most = 0, 0
		w.join("d")
		w.run(15 * time.Second) // Some of what the planner writes gets lost.
		if w.changes == 0 {
			t.Fatalf("nothing moves\nrepeat with -run %s -seed %d", t.Name(), seed)
		}
		must(t, seed, w.settle(time.Minute))
		if w.most > DefaultMaxMoving {
			t.Fatalf("%d at a time\nrepeat with -run %s -seed %d", w.most, t.Name(), seed)
		}
		// A heavy shard or two may make room for each other elsewhere.
		if got := w.owners(); w.changes > got["d"]+3 {
			t.Fatalf("%d moves, from %v to %v\nrepeat with -run %s -seed %d", w.changes, before, got, t.Name(), seed)
		}
		w.wantEven(t, seed)
		w.run(10 * time.Second)
		if p := w.rebalance(); len(p.Moves) > 0 {
			t.Fatalf("a rebalance moves %v\nrepeat with -run %s -seed %d", p.Moves, t.Name(), seed)
		}
		w.changes = 0
		w.run(5 * time.Minute)
		if w.changes > 0 {
			t.Fatalf("%d shards were moved afterwards\nrepeat with -run %s -seed %d", w.changes, t.Name(), seed)
		}
	}
}

// TestRebalanceGoesOn whoever dies: the planner, a target, a source, both; and
// whatever an operator wants meanwhile.
func TestRebalanceGoesOn(t *testing.T) {
	t.Parallel()
	for seed := range seeds(20) {
		w := loaded(t, seed)
		w.join("d")
		if w.IntN(2) == 0 {
			w.join("e")
		}
		for range 1 + w.IntN(6) {
			w.run(time.Duration(w.IntN(3000)) * time.Millisecond)
			switch w.IntN(7) {
			case 0:
				w.mind = new(standing)
			case 1:
				if len(w.meter) > 2 {
					w.die("d")
				}
			case 2:
				if len(w.meter) > 2 {
					w.die("a")
				}
			case 3:
				w.drain("b")
			case 4:
				w.pin(ShardID(w.IntN(64)), "c")
			case 5:
				w.assign(ShardID(w.IntN(64)), "c")
			case 6:
				if w.meter["a"] != nil {
					w.shutDown("a")
				}
			}
		}
		must(t, seed, w.settle(2*time.Minute))
		w.run(time.Minute)
		must(t, seed, w.settle(2*time.Minute))
		eligible := w.snap.eligible()
		for s, row := range w.snap.assignments.rows {
			owner := w.snap.routes.Owner(ShardID(s)).Node
			if !containsNode(eligible, owner) || row.pinned != "" && owner != row.pinned {
				t.Fatalf("shard %d is with %q, pinned to %q\nrepeat with -run %s -seed %d", s, owner, row.pinned, t.Name(), seed)
			}
		}
		if p := w.standing(); len(p.Moves) > 0 {
			t.Fatalf("it proposes %v\nrepeat with -run %s -seed %d", p.Moves, t.Name(), seed)
		}
	}
}

func containsNode(nodes []NodeName, n NodeName) bool {
	for _, m := range nodes {
		if m == n {
			return true
		}
	}
	return false
}

// TestDrainComesFirst: of what waits for its turn, the drained node's shards go
// before those that only make the load more even.
func TestDrainComesFirst(t *testing.T) {
	w := loaded(t, 1)
	for s := range ShardID(64) {
		if s%4 != 0 {
			w.assign(s, "a")
		}
	}
	must(t, 1, w.settle(time.Minute))
	w.slow = func(ShardID, NodeName) time.Duration { return time.Second }
	if p := w.rebalance(); len(p.Moves) < 20 {
		t.Fatalf("%d moves, want many", len(p.Moves))
	}
	w.run(time.Second)
	w.drain("b")
	had := w.owners()["b"]
	var others int // arrivals of other moves, while b is not empty
	onA := w.owners()["a"]
	for w.owners()["b"] > 0 {
		w.run(worldTick)
		others = onA - w.owners()["a"]
	}
	// Those that were on their way already, and some of the last look.
	if others > 3*DefaultMaxMoving {
		t.Errorf("%d other shards were moved before the %d of the drained node", others, had)
	}
	must(t, 1, w.settle(2*time.Minute))
}

// TestStuckMove: a node to which nothing gets does not hold up the others, and
// is given up.
func TestStuckMove(t *testing.T) {
	w := loaded(t, 1)
	w.slow = func(_ ShardID, to NodeName) time.Duration {
		if to == "c" {
			return time.Hour
		}
		return 100 * time.Millisecond
	}
	w.drain("b")
	for end := w.now.Add(10 * time.Minute); w.owners()["b"] > 0; w.run(time.Second) {
		if w.now.After(end) {
			t.Fatalf("the drained node is not empty: %v", w.owners())
		}
	}
	must(t, 1, w.settle(5*time.Minute))
	// What an operator wants is given up like anything else.
	w.assign(0, "c")
	w.assign(1, "c")
	must(t, 1, w.settle(gaveUpAfter+10*time.Second))
}

// TestPlannerWaits until things have been quiet, and load uneven, for a while.
func TestPlannerWaits(t *testing.T) {
	w := newPlanWorld(rand.New(rand.NewPCG(1, 4)), 64, "a", "b", "c")
	for s := range w.rate {
		w.rate[s] = 100
	}
	must(t, 1, w.settle(time.Minute))
	w.run(time.Minute)
	for _, s := range w.snap.assignments.Of("a")[:10] {
		w.assign(s, "b") // An operator is at work.
	}
	must(t, 1, w.settle(time.Minute))
	w.changes = 0
	w.run(roundPause - 3*time.Second)
	if w.changes > 0 {
		t.Error("load was moved right after an operator had moved some")
	}
	w.run(10 * time.Second)
	if w.changes == 0 {
		t.Error("load was not moved when the operator had finished")
	}
	must(t, 1, w.settle(time.Minute))
	w.run(2 * time.Minute)

	for _, s := range w.snap.assignments.Of("c") {
		w.rate[s] = 300
	}
	w.changes = 0
	for len(w.standing().Moves) == 0 {
		w.run(worldTick)
	}
	w.run(unevenFor - time.Second)
	if w.changes > 0 {
		t.Error("load was moved right after it had become uneven")
	}
	w.run(time.Minute)
	if w.changes == 0 {
		t.Error("load was not moved")
	}
}

// TestPlannerTakesTurnsWithLoad: a load that has changed for good is evened out,
// once; one that swings is not run after.
func TestPlannerTakesTurnsWithLoad(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(rand.New(rand.NewPCG(1, 4)), 64, "a", "b", "c")
	for s := range w.rate {
		w.rate[s] = 100
	}
	must(t, 1, w.settle(time.Minute))
	w.run(time.Minute)
	swing := func(amplitude float64, period time.Duration, d time.Duration) {
		start := w.now
		for w.now.Sub(start) < d {
			phase := 2 * math.Pi * w.now.Sub(start).Seconds() / period.Seconds()
			for s := range w.rate {
				if w.snap.routes.Owner(ShardID(s)).Node == "a" {
					w.rate[s] = 100 * (1 + amplitude*math.Sin(phase))
				}
			}
			w.run(time.Second)
		}
	}
	w.changes = 0
	swing(0.15, 5*time.Minute, 20*time.Minute)
	swing(0.5, 20*time.Second, 10*time.Minute)
	if w.changes > 0 {
		t.Errorf("%d shards were moved after a load that swings", w.changes)
	}
	for s := range w.rate {
		w.rate[s] = 100
		if s < 32 && w.snap.routes.Owner(ShardID(s)).Node == "a" {
			w.rate[s] = 300
		}
	}
	w.run(3 * time.Minute)
	moved := w.changes
	if moved == 0 || w.uneven() > 0.15 {
		t.Errorf("%d shards were moved, load is %.3f off", moved, w.uneven())
	}
	w.run(30 * time.Minute)
	if w.changes != moved {
		t.Errorf("then %d more were moved", w.changes-moved)
	}
}

// TestHeavyShard: one that is more than an even share is left alone, and said.
func TestHeavyShard(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(rand.New(rand.NewPCG(1, 4)), 64, "a", "b", "c")
	for s := range w.rate {
		w.rate[s] = 100
	}
	w.rate[7] = 8000
	must(t, 1, w.settle(time.Minute))
	w.run(3 * time.Minute)
	must(t, 1, w.settle(time.Minute))
	owner := w.snap.routes.Owner(7).Node
	w.changes = 0
	w.run(20 * time.Minute)
	if w.changes > 0 {
		t.Errorf("%d shards were moved for nothing", w.changes)
	}
	p := w.propose()
	if fmt.Sprint(p.Heavy) != "[7]" || p.Even >= p.Mean || p.Spread > 0.15 {
		t.Errorf("got heavy %v, even %v of a mean of %v, spread %v", p.Heavy, p.Even, p.Mean, p.Spread)
	}
	if n := w.owners()[owner]; n > 2 {
		t.Errorf("its node has %d shards", n)
	}
}
