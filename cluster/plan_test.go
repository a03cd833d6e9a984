package cluster

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

func nodeName(n int) NodeName { return NodeName('a' + rune(n)) }

// randomInput is a plan's input with up to the given numbers of nodes and shards.
func randomInput(r *rand.Rand, nodes, shards int) PlanInput {
	in := PlanInput{Shards: make([]PlanShard, 1+r.IntN(shards))}
	for n := range 1 + r.IntN(nodes) {
		in.Nodes = append(in.Nodes, nodeName(n))
	}
	r.Shuffle(len(in.Nodes), func(i, j int) { in.Nodes[i], in.Nodes[j] = in.Nodes[j], in.Nodes[i] })
	weigh := randomWeights(r)
	pins := r.IntN(3) == 0
	// Some live on nodes that are gone or drained, and some nodes are hardly used.
	used := 1 + r.IntN(len(in.Nodes)+2)
	for s := range in.Shards {
		row := PlanShard{Weight: weigh()}
		if r.IntN(8) > 0 {
			row.Node, row.Owned = nodeName(r.IntN(used)), r.IntN(10) > 0
		}
		if pins && r.IntN(6) == 0 {
			row.Pinned = nodeName(r.IntN(len(in.Nodes) + 1))
		}
		in.Shards[s] = row
	}
	return in
}

// randomWeights returns one of several ways in which weights are spread.
func randomWeights(r *rand.Rand) func() float64 {
	switch r.IntN(4) {
	case 0:
		return func() float64 { return weightBase } // an idle cluster
	case 1:
		return func() float64 { return weightBase + 100*(1+0.1*r.NormFloat64()) } // an even load
	case 2:
		return func() float64 { return weightBase + 50*r.ExpFloat64() } // an uneven one
	}
	return func() float64 { // a few hot shards
		if r.IntN(10) == 0 {
			return weightBase + 1000*r.Float64()
		}
		return weightBase + r.Float64()
	}
}

// carriedOut is the input that follows from a proposal.
func carriedOut(in PlanInput, p Proposal) PlanInput {
	in.Shards = slices.Clone(in.Shards)
	for _, m := range p.Moves {
		in.Shards[m.Shard].Node, in.Shards[m.Shard].Owned = m.To, true
	}
	return in
}

func TestProposeProperties(t *testing.T) {
	reached, missed := 0, 0
	for seed := range seeds(800) {
		in := randomInput(rand.New(rand.NewPCG(seed, 1)), 9, 200)
		p := Propose(in)
		if err := checkProposal(in, p); err != nil {
			t.Fatalf("%v\ninput %+v\nproposal %+v\nrepeat with -run %s -seed %d", err, in, p, t.Name(), seed)
		}
		if len(in.Shards) > 8*len(in.Nodes) {
			if p.Spread <= 0.15 {
				reached++
			} else {
				missed++
			}
		}
	}
	// Where there are many shards a node, and none is very heavy, there is
	// hardly anything that cannot be evened out.
	t.Logf("of inputs with more than 8 shards a node, %d were brought within 15 %%, %d were not", reached, missed)
	if missed*50 > reached+50 {
		t.Errorf("%d of %d plans do not get within 15 %%", missed, reached+missed)
	}
}

func checkProposal(in PlanInput, p Proposal) error {
	pin := func(s ShardID) NodeName {
		if n := in.Shards[s].Pinned; slices.Contains(in.Nodes, n) {
			return n
		}
		return ""
	}
	moved := make(map[ShardID]bool)
	order := 0
	for _, m := range p.Moves {
		was := in.Shards[m.Shard]
		moved[m.Shard] = true
		if m.From != was.Node || m.From == m.To || m.Weight != was.Weight || !slices.Contains(in.Nodes, m.To) {
			return fmt.Errorf("move %+v of a shard that is %+v", m, was)
		}
		if n := pin(m.Shard); n != "" && n != m.To {
			return fmt.Errorf("move %+v of a shard that is pinned to %s", m, n)
		}
		why := WhyLoad
		switch {
		case !was.Owned:
			why = WhyNoOwner
		case !slices.Contains(in.Nodes, was.Node):
			why = WhyDrain
		case pin(m.Shard) != "":
			why = WhyPin
		}
		if m.Why != why {
			return fmt.Errorf("move %+v: want %q", m, why)
		}
		i := slices.Index(whyOrder, why)
		if i < order {
			return fmt.Errorf("move %+v comes after less urgent ones", m)
		}
		order = i
	}
	after := make(map[NodeName]float64)
	for _, n := range in.Nodes {
		after[n] = 0
	}
	for s, row := range carriedOut(in, p).Shards {
		if !slices.Contains(in.Nodes, row.Node) {
			return fmt.Errorf("shard %d stays with %q", s, row.Node)
		}
		if n := pin(ShardID(s)); n != "" && row.Node != n {
			return fmt.Errorf("shard %d stays with %s and is pinned to %s", s, row.Node, n)
		}
		after[row.Node] += row.Weight
	}
	for n, load := range after {
		if math.Abs(load-p.After[n]) > 1e-6*(1+load) {
			return fmt.Errorf("after: node %s has %v, not %v", n, load, p.After[n])
		}
	}
	if len(p.After) != len(in.Nodes) {
		return fmt.Errorf("after: nodes %v, want %v", p.After, in.Nodes)
	}
	if p.SpreadBefore <= proposeTolerance && slices.ContainsFunc(p.Moves, func(m PlannedMove) bool { return m.Why == WhyLoad }) {
		return fmt.Errorf("load is moved though it was within tolerance: %v", p.SpreadBefore)
	}
	if p.Spread > max(p.SpreadBefore, targetTolerance) {
		return fmt.Errorf("the spread goes from %v to %v", p.SpreadBefore, p.Spread)
	}
	if again := Propose(carriedOut(in, p)); len(again.Moves) > 0 {
		return fmt.Errorf("proposed again: %+v", again.Moves)
	}
	reversed := in
	reversed.Nodes = slices.Clone(in.Nodes)
	slices.Reverse(reversed.Nodes)
	if other := Propose(reversed); !reflect.DeepEqual(other, p) {
		return fmt.Errorf("with the nodes in another order: %+v", other)
	}
	return nil
}

// TestProposeMovesLittle compares with all plans there are. With two or three
// shards a node, which is where a greedy search does worst, nine of ten plans are
// such that none which gets as far moves fewer.
func TestProposeMovesLittle(t *testing.T) {
	n, worse, excess := 0, 0, 0
	for seed := range seeds(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		in := randomInput(r, 3, 8)
		for s := range in.Shards { // only what moves because of load
			in.Shards[s].Node, in.Shards[s].Owned = in.Nodes[r.IntN(1+r.IntN(len(in.Nodes)))], true
			in.Shards[s].Pinned = ""
		}
		p := Propose(in)
		if len(p.Moves) == 0 {
			continue
		}
		least := len(p.Moves)
		every(in, make([]int, len(in.Shards)), 0, func(b *balance, moves int) {
			if moves < least && b.spread() <= max(targetTolerance, p.Spread) {
				least = moves
			}
		})
		n++
		if d := len(p.Moves) - least; d > 0 {
			worse, excess = worse+1, excess+d
			t.Logf("seed %d: %d moves, %d are enough", seed, len(p.Moves), least)
		}
	}
	t.Logf("%d plans, %d of them with too many moves: %d", n, worse, excess)
	if worse > n/10 || excess > n/5 {
		t.Errorf("%d of %d plans have %d moves too many", worse, n, excess)
	}
}

// every calls fn with every plan there is, and the moves that it takes.
func every(in PlanInput, at []int, s int, fn func(b *balance, moves int)) {
	if s < len(at) {
		for at[s] = range in.Nodes {
			every(in, at, s+1, fn)
		}
		return
	}
	b, moves := newBalance(in), 0
	for s, to := range at {
		b.put(s, to)
		if b.nodes[to].name != in.Shards[s].Node {
			moves++
		}
	}
	fn(b, moves)
}

// shardsOn puts n shards of a weight on a node.
func shardsOn(node NodeName, n int, weight float64) (rows []PlanShard) {
	for range n {
		rows = append(rows, PlanShard{Node: node, Owned: node != "", Weight: weight})
	}
	return rows
}

func TestPropose(t *testing.T) {
	pinned := func(to NodeName, rows []PlanShard) []PlanShard {
		for i := range rows {
			rows[i].Pinned = to
		}
		return rows
	}
	for _, c := range []struct {
		name   string
		nodes  []NodeName
		shards [][]PlanShard
		moves  map[string]int // by why, from and to
		spread float64
		heavy  int
	}{
		{"nothing to do", []NodeName{"a", "b", "c"}, [][]PlanShard{shardsOn("a", 22, 10), shardsOn("b", 21, 10), shardsOn("c", 21, 10)}, nil, 0.03125, 0},
		{"a node joins", []NodeName{"a", "b", "c", "d"}, [][]PlanShard{shardsOn("a", 22, 10), shardsOn("b", 21, 10), shardsOn("c", 21, 10)},
			map[string]int{"load a d": 6, "load b d": 5, "load c d": 5}, 0, 0},
		{"a node joins a large cluster: no more than the target asks for", []NodeName{"a", "b"}, [][]PlanShard{shardsOn("a", 4000, 10)}, map[string]int{"load a b": 1900}, 0.05, 0},
		{"a node has died", []NodeName{"a", "b"}, [][]PlanShard{shardsOn("a", 4, 10), shardsOn("b", 4, 10), shardsOn("", 4, 10)},
			map[string]int{"no owner  a": 2, "no owner  b": 2}, 0, 0},
		{"a node is drained", []NodeName{"a", "b"}, [][]PlanShard{shardsOn("a", 4, 10), shardsOn("b", 4, 10), shardsOn("c", 4, 10)},
			map[string]int{"drain c a": 2, "drain c b": 2}, 0, 0},
		{"a heavy shard among those without an owner", []NodeName{"a", "b"}, [][]PlanShard{shardsOn("a", 4, 10), shardsOn("b", 4, 10), shardsOn("", 4, 10), shardsOn("", 1, 40)},
			map[string]int{"no owner  a": 1, "no owner  b": 4}, 0, 0},
		{"pins come first, the others make up for them", []NodeName{"a", "b"}, [][]PlanShard{pinned("b", shardsOn("a", 4, 10)), shardsOn("a", 4, 10), shardsOn("b", 8, 10)},
			map[string]int{"pin a b": 4, "load b a": 4}, 0, 0},
		{"more is pinned to a node than is even", []NodeName{"a", "b", "c"}, [][]PlanShard{pinned("a", shardsOn("a", 12, 10)), shardsOn("b", 3, 10), shardsOn("c", 3, 10)}, nil, 0, 0},
		{"a pin to a node that is not there", []NodeName{"a", "b"}, [][]PlanShard{pinned("z", shardsOn("a", 4, 10)), shardsOn("b", 4, 10)}, nil, 0, 0},
		{"one shard is heavier than everything else", []NodeName{"a", "b", "c"}, [][]PlanShard{shardsOn("a", 1, 1000), shardsOn("b", 10, 10), shardsOn("c", 10, 10)}, nil, 0, 1},
		{"and is left alone", []NodeName{"a", "b", "c"}, [][]PlanShard{shardsOn("a", 1, 1000), shardsOn("a", 10, 10), shardsOn("b", 10, 10), shardsOn("c", 10, 10)},
			map[string]int{"load a b": 5, "load a c": 5}, 0, 1},
		{"too few shards to go round", []NodeName{"a", "b", "c"}, [][]PlanShard{shardsOn("a", 1, 10), shardsOn("b", 1, 10)}, nil, 0, 2},
		{"it cannot be had more even", []NodeName{"a", "b", "c"}, [][]PlanShard{shardsOn("a", 3, 10), shardsOn("b", 3, 10), shardsOn("c", 2, 10)}, nil, 0.25, 0},
		{"it would hardly get more even", []NodeName{"a", "b"}, [][]PlanShard{shardsOn("a", 1, 51), shardsOn("a", 1, 52), shardsOn("b", 1, 50)}, nil, 0.346405229, 0},
		{"a shard for a shard", []NodeName{"a", "b"}, [][]PlanShard{shardsOn("a", 2, 60), shardsOn("b", 2, 40)}, map[string]int{"load a b": 1, "load b a": 1}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := Propose(PlanInput{Nodes: c.nodes, Shards: slices.Concat(c.shards...)})
			got := make(map[string]int)
			for _, m := range p.Moves {
				got[fmt.Sprintf("%s %s %s", m.Why, m.From, m.To)]++
			}
			if fmt.Sprint(got) != fmt.Sprint(c.moves) {
				t.Errorf("got %v, want %v", got, c.moves)
			}
			if math.Abs(p.Spread-c.spread) > 1e-9 || len(p.Heavy) != c.heavy {
				t.Errorf("got a spread of %v and %d heavy shards, want %v and %d", p.Spread, len(p.Heavy), c.spread, c.heavy)
			}
		})
	}
}

func TestProposeWithoutNodes(t *testing.T) {
	p := Propose(PlanInput{Shards: shardsOn("a", 2, 10)})
	if len(p.Moves) != 0 || p.Before["a"] != 20 || p.Spread != 0 {
		t.Errorf("got %+v, want no moves", p)
	}
}

// TestProposeAvoids: a node that a shard could not be moved to is tried again
// only if there is no other.
func TestProposeAvoids(t *testing.T) {
	rows := append(shardsOn("c", 3, 10), shardsOn("b", 3, 10)...)
	for i := range rows {
		rows[i].Not = "a"
	}
	for _, m := range Propose(PlanInput{Nodes: []NodeName{"a", "b"}, Shards: rows}).Moves {
		if m.To == "a" {
			t.Errorf("%+v: want it not to go to a", m)
		}
	}
	if p := Propose(PlanInput{Nodes: []NodeName{"a"}, Shards: rows}); p.After["a"] != 60 {
		t.Errorf("got %v, want all on a", p.After)
	}
}

func BenchmarkPropose(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 3))
	in := PlanInput{Shards: shardsOn("a", MaxShards, 0)}
	for n := range 20 {
		in.Nodes = append(in.Nodes, nodeName(n))
	}
	for s := range in.Shards {
		in.Shards[s].Node, in.Shards[s].Weight = nodeName(r.IntN(19)), weightBase+100*r.ExpFloat64()
	}
	for b.Loop() {
		Propose(in)
	}
}
