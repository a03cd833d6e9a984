package cluster

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestLastWord: a proposal is stood by while only weights differ, and these only
// a little.
func TestLastWord(t *testing.T) {
	now := time.Unix(1e9, 0)
	stood := 0 // by proposals that would have been others
	for seed := range seeds(200) {
		r := rand.New(rand.NewPCG(seed, 7))
		in := PlanInput{Nodes: []NodeName{"a", "b", "c"}}
		for range 48 {
			in.Shards = append(in.Shards, PlanShard{Node: nodeName(r.IntN(2 + r.IntN(2))), Owned: true, Weight: weightBase + 100*r.ExpFloat64()})
		}
		var l lastWord
		first := l.propose(now, in)
		noisy := in
		noisy.Shards = slices.Clone(in.Shards)
		for s := range noisy.Shards {
			noisy.Shards[s].Weight *= 1 + 0.03*r.NormFloat64()
		}
		second := l.propose(now.Add(time.Minute), noisy)
		fresh := Propose(noisy)
		if !slices.EqualFunc(first.Moves, second.Moves, sameMove) {
			if second.Spread > fresh.Spread || first.Spread < 0.02 {
				t.Errorf("proposed %v, then %v\nrepeat with -run %s -seed %d", first.Moves, second.Moves, t.Name(), seed)
			}
			continue
		}
		if !slices.EqualFunc(fresh.Moves, second.Moves, sameMove) {
			stood++
		}
		for _, m := range second.Moves {
			if m.Weight != noisy.Shards[m.Shard].Weight {
				t.Fatalf("%+v: want the weight as it is now, %v\nrepeat with -run %s -seed %d", m, noisy.Shards[m.Shard].Weight, t.Name(), seed)
			}
		}

		for what, change := range map[string]func(*PlanInput, *time.Time){
			"it is long ago":       func(_ *PlanInput, at *time.Time) { *at = at.Add(lastWordFor) },
			"a node is there":      func(in *PlanInput, _ *time.Time) { in.Nodes = append(slices.Clone(in.Nodes), "d") },
			"a shard was lost":     func(in *PlanInput, _ *time.Time) { in.Shards[0].Owned = false },
			"a shard is pinned":    func(in *PlanInput, _ *time.Time) { in.Shards[1].Pinned = "b" },
			"the load has changed": func(in *PlanInput, _ *time.Time) { in.Shards[0].Weight = 3000 },
		} {
			other, at, word := noisy, now.Add(time.Minute), lastWord{in: l.in, p: l.p, at: l.at}
			other.Shards = slices.Clone(noisy.Shards)
			change(&other, &at)
			if got, want := word.propose(at, other), Propose(other); !slices.Equal(got.Moves, want.Moves) && got.Spread > want.Spread+lastWordSlack {
				t.Errorf("%s: got %v, want %v\nrepeat with -run %s -seed %d", what, got.Moves, want.Moves, t.Name(), seed)
			} else if what != "the load has changed" && !slices.Equal(got.Moves, want.Moves) {
				t.Errorf("%s: got %v, want a new one, %v\nrepeat with -run %s -seed %d", what, got.Moves, want.Moves, t.Name(), seed)
			}
		}
	}
	if stood < 50 && *seedFlag == 0 {
		t.Errorf("it stood by %d of 200, want it to be of use", stood)
	}
}
