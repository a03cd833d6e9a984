package cluster

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "run seeded tests with this seed only")
	seedsFlag = flag.Int("seeds", 0, "run seeded tests with this many seeds; 0 is each test's default")
)

// seeds yields the seeds that a test should run, of which n are its default.
func seeds(n int) func(yield func(uint64) bool) {
	if *seedsFlag > 0 {
		n = *seedsFlag
	}
	return func(yield func(uint64) bool) {
		if *seedFlag != 0 {
			yield(*seedFlag)
			return
		}
		for s := uint64(1); s <= uint64(n) && yield(s); s++ {
		}
	}
}

// randomInput is a plan's input with up to the given numbers of nodes and shards.
func randomInput(r *rand.Rand, nodes, shards int, pins bool) PlanInput {
	name := func(n int) NodeName { return NodeName('a' + rune(n)) }
	in := PlanInput{Current: make([]NodeName, 1+r.IntN(shards))}
	for n := range 1 + r.IntN(nodes) {
		in.Nodes = append(in.Nodes, name(n))
	}
	r.Shuffle(len(in.Nodes), func(i, j int) { in.Nodes[i], in.Nodes[j] = in.Nodes[j], in.Nodes[i] })
	if pins {
		in.Pinned = make([]NodeName, len(in.Current))
	}
	// Some live on nodes that are gone, and some nodes are hardly used.
	used := 1 + r.IntN(len(in.Nodes)+2)
	for s := range in.Current {
		if r.IntN(8) > 0 {
			in.Current[s] = name(r.IntN(used))
		}
		if pins && r.IntN(4) == 0 {
			in.Pinned[s] = name(r.IntN(len(in.Nodes) + 1))
		}
	}
	return in
}

func loads(in PlanInput, plan []NodeName) map[NodeName]int {
	m := make(map[NodeName]int)
	for _, n := range in.Nodes {
		m[n] = 0
	}
	for _, n := range plan {
		m[n]++
	}
	return m
}

// moves counts the shards that leave a node they could stay on.
func moves(in PlanInput, plan []NodeName) (n int) {
	for s, to := range plan {
		if in.Current[s] != to && slices.Contains(in.Nodes, in.Current[s]) {
			n++
		}
	}
	return n
}

func TestPlanProperties(t *testing.T) {
	for seed := range seeds(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		in := randomInput(r, 9, 200, seed%2 == 0)
		plan := Plan(in)
		if err := checkPlan(in, plan); err != nil {
			t.Fatalf("%v\ninput %+v\nplan %v\nrepeat with -run %s -seed %d", err, in, plan, t.Name(), seed)
		}
	}
}

func checkPlan(in PlanInput, plan []NodeName) error {
	pinned := func(s int) bool { return in.Pinned != nil && slices.Contains(in.Nodes, in.Pinned[s]) }
	floor := make(map[NodeName]int) // by pins alone
	for s, n := range plan {
		if !slices.Contains(in.Nodes, n) {
			return fmt.Errorf("shard %d is planned for %q, which is no node", s, n)
		}
		if pinned(s) {
			if n != in.Pinned[s] {
				return fmt.Errorf("shard %d is planned for %s and pinned to %s", s, n, in.Pinned[s])
			}
			floor[n]++
		}
	}
	// No node has two more than another, unless by its pins.
	load := loads(in, plan)
	least := len(plan)
	for _, l := range load {
		least = min(least, l)
	}
	for n, l := range load {
		if l > least+1 && l > floor[n] {
			return fmt.Errorf("node %s has %d shards, another %d", n, l, least)
		}
	}
	again := Plan(PlanInput{Nodes: in.Nodes, Current: plan, Pinned: in.Pinned})
	if !slices.Equal(again, plan) {
		return fmt.Errorf("planned again, it becomes %v", again)
	}
	reversed := slices.Clone(in.Nodes)
	slices.Reverse(reversed)
	if other := Plan(PlanInput{Nodes: reversed, Current: in.Current, Pinned: in.Pinned}); !slices.Equal(other, plan) {
		return fmt.Errorf("with the nodes in another order, it becomes %v", other)
	}
	return nil
}

// TestPlanMovesLeast compares with all plans there are.
func TestPlanMovesLeast(t *testing.T) {
	for seed := range seeds(400) {
		r := rand.New(rand.NewPCG(seed, 2))
		in := randomInput(r, 4, 7, seed%2 == 0)
		plan := Plan(in)
		least := len(plan) + 1
		every(in, make([]NodeName, len(plan)), 0, func(p []NodeName) {
			if balanced(in, p) {
				least = min(least, moves(in, p))
			}
		})
		if got := moves(in, plan); got != least {
			t.Fatalf("%d moves, want %d\ninput %+v\nplan %v\nrepeat with -run %s -seed %d", got, least, in, plan, t.Name(), seed)
		}
	}
}

// every calls fn with every plan that respects the pins.
func every(in PlanInput, p []NodeName, s int, fn func([]NodeName)) {
	if s == len(p) {
		fn(p)
		return
	}
	if in.Pinned != nil && slices.Contains(in.Nodes, in.Pinned[s]) {
		p[s] = in.Pinned[s]
		every(in, p, s+1, fn)
		return
	}
	for _, p[s] = range in.Nodes {
		every(in, p, s+1, fn)
	}
}

// balanced: no shard that is not pinned could go from its node to one with at
// least two fewer.
func balanced(in PlanInput, p []NodeName) bool {
	load := loads(in, p)
	for s, n := range p {
		if in.Pinned != nil && slices.Contains(in.Nodes, in.Pinned[s]) {
			continue
		}
		for _, l := range load {
			if load[n] > l+1 {
				return false
			}
		}
	}
	return true
}

func TestPlanWithoutNodes(t *testing.T) {
	if got := Plan(PlanInput{Current: []NodeName{"a", ""}}); !slices.Equal(got, []NodeName{"", ""}) {
		t.Errorf("got %q, want nobody anywhere", got)
	}
}

func BenchmarkPlan(b *testing.B) {
	in := randomInput(rand.New(rand.NewPCG(1, 3)), 20, MaxShards, false)
	for b.Loop() {
		Plan(in)
	}
}
