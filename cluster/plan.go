package cluster

import (
	"cmp"
	"slices"
)

// Why a shard should move, in the order in which moves are begun.
const (
	WhyNoOwner  = "no owner" // nobody serves it
	WhyDrain    = "drain"    // its node is drained, or shuts down
	WhyPin      = "pin"      // it is pinned to another node
	WhyLoad     = "load"     // its node has too much, or another too little
	WhyOperator = "operator" // somebody said so; never in a Proposal
)

// whyOrder is the order of PlannedMoves.
var whyOrder = []string{WhyNoOwner, WhyDrain, WhyPin, WhyLoad}

// Tolerances, as parts of an even share. A plan that is made ends within Target.
// It is made when a node is off by more than Begin. The distance between the two
// is what the load may wander without anything being moved.
const (
	targetTolerance   = 0.05
	proposeTolerance  = 0.12 // of what an operator asks for
	standingTolerance = 0.20 // of what the planner does by itself
)

// PlanInput is what a Proposal is made from.
type PlanInput struct {
	// Nodes that may own shards, in any order.
	Nodes []NodeName
	// Shards, by ShardID.
	Shards []PlanShard
	// Begin is the tolerance beyond which load is moved, default 0.12. Shards
	// that must move do so in any case.
	Begin float64
}

// PlanShard is what a plan knows of one shard.
type PlanShard struct {
	// Node has the shard, or is on its way to have it; "" when none is.
	Node NodeName
	// Owned: somebody serves it.
	Owned bool
	// Pinned is the node preferred for it, or "". A pin to a node that is not
	// in PlanInput.Nodes does not count.
	Pinned NodeName
	Weight float64
	// Not is a node that the shard could not be moved to, or "". It is tried
	// again only where there is no other.
	Not NodeName
}

// PlannedMove is one shard that should go to another node.
type PlannedMove struct {
	Shard ShardID
	// From is "" when no node has it.
	From, To NodeName
	Weight   float64
	Why      string
}

// Proposal says what should move, and what that makes of the load.
type Proposal struct {
	// Moves in the order in which they are begun.
	Moves []PlannedMove
	// Before and After have the weight on each node that may own shards, and
	// Before also on those that are to be emptied.
	Before, After map[NodeName]float64
	// Mean is the load of all shards over the number of nodes.
	Mean float64
	// Even is the load that a node has when it is spread as evenly as shards
	// are divisible: below Mean where one shard, or what is pinned to a node,
	// is more than that.
	Even float64
	// SpreadBefore and Spread say by how much, as a part of Even, the node that
	// is furthest off is off. What a node cannot help having does not count.
	SpreadBefore, Spread float64
	// Heavy are the shards that weigh more than Mean. No plan gets a node that
	// has one down to that.
	Heavy []ShardID
	// Job is the id of the Rebalance that goes on and whose remaining moves
	// these are, "" when there is none.
	Job string
}

// Within says whether every node is within a tolerance of even.
func (p *Proposal) Within(tolerance float64) bool { return p.Spread <= tolerance }

// Propose says which shards should move. The same input gives the same answer,
// and what follows from carrying it out gives an empty one.
//
// Shards that no node of in.Nodes has get one, pinned shards their pin. If then
// a node is off by more than in.Begin, as few shards more are moved as bring all
// nodes within targetTolerance, or as near to it as the weights allow; unless it
// hardly gets better by it.
func Propose(in PlanInput) Proposal {
	begin := in.Begin
	if begin == 0 {
		begin = proposeTolerance
	}
	return propose(in, func(b *balance) {
		if b.spread() > begin {
			b.improve()
		}
	})
}

// propose makes a Proposal of what must move, and then change.
func propose(in PlanInput, change func(*balance)) Proposal {
	b := newBalance(in)
	p := Proposal{
		Moves:  []PlannedMove{},
		Before: b.before(), After: make(map[NodeName]float64),
		Mean: b.mean, Even: b.even, Heavy: b.heavy(),
	}
	if len(b.nodes) == 0 {
		return p
	}
	b.settle()
	p.SpreadBefore = b.spread()
	change(b)
	p.Spread, p.Moves = b.spread(), b.moves()
	for _, n := range b.nodes {
		p.After[n.name] = n.load
	}
	return p
}

// moves returns what differs from the input.
func (b *balance) moves() []PlannedMove {
	moves := make([]PlannedMove, 0)
	for s, row := range b.in.Shards {
		to := b.nodes[b.at[s]].name
		if to == row.Node {
			continue
		}
		m := PlannedMove{Shard: ShardID(s), From: row.Node, To: to, Weight: row.Weight, Why: WhyLoad}
		switch {
		case !row.Owned:
			m.Why = WhyNoOwner
		case b.index(row.Node) < 0:
			m.Why = WhyDrain
		case to == row.Pinned:
			m.Why = WhyPin
		}
		moves = append(moves, m)
	}
	slices.SortFunc(moves, func(x, y PlannedMove) int {
		return cmp.Or(
			cmp.Compare(slices.Index(whyOrder, x.Why), slices.Index(whyOrder, y.Why)),
			cmp.Compare(y.Weight, x.Weight),
			cmp.Compare(x.Shard, y.Shard),
		)
	})
	return moves
}
