package cluster

import (
	"cmp"
	"slices"
)

// PlanInput is what a plan is made from.
type PlanInput struct {
	// Nodes that may own shards, in any order.
	Nodes []NodeName
	// Current has, for every shard, the node it is with or on its way to; ""
	// when it has none.
	Current []NodeName
	// Pinned has, for every shard, the node preferred for it, or "". nil is
	// none. A pin to a node that is not in Nodes does not count.
	Pinned []NodeName
}

// Plan says for every shard which node should own it: "" only if there are no
// nodes. Pinned shards are with their nodes. The others are spread so that
// loads differ by at most one, or, where pins alone load a node more than that,
// so that the others' loads differ by at most one; and no plan of that evenness
// moves fewer shards off the nodes they are with. The same input gives the same
// plan.
func Plan(in PlanInput) []NodeName {
	plan := make([]NodeName, len(in.Current))
	if len(in.Nodes) == 0 {
		return plan
	}
	p := newPlanner(in)
	for s := range plan {
		if n := p.byName[p.pin(s)]; n != nil {
			plan[s] = n.name
			n.pinned++
			continue
		}
		if n := p.byName[in.Current[s]]; n != nil {
			n.has = append(n.has, s)
		} else {
			p.homeless = append(p.homeless, s)
		}
	}
	p.share(len(plan))
	for _, n := range p.nodes {
		keep := min(len(n.has), n.quota-n.pinned)
		for _, s := range n.has[:keep] {
			plan[s] = n.name
		}
		p.homeless = append(p.homeless, n.has[keep:]...)
		n.free = n.quota - n.pinned - keep
	}
	slices.Sort(p.homeless)
	for _, s := range p.homeless {
		n := slices.MaxFunc(p.nodes, func(a, b *plannedNode) int { return cmp.Compare(a.free, b.free) })
		plan[s] = n.name
		n.free--
	}
	return plan
}

// planner is a plan in the making.
type planner struct {
	in       PlanInput
	nodes    []*plannedNode // by name
	byName   map[NodeName]*plannedNode
	homeless []int // shards that need a node
}

type plannedNode struct {
	name   NodeName
	pinned int   // shards that are here for good
	has    []int // others that are here now
	quota  int   // how many it should have, pinned ones included
	free   int   // of its quota
}

func newPlanner(in PlanInput) *planner {
	p := &planner{in: in, byName: make(map[NodeName]*plannedNode, len(in.Nodes))}
	for _, name := range slices.Sorted(slices.Values(in.Nodes)) {
		if p.byName[name] == nil {
			n := &plannedNode{name: name}
			p.nodes, p.byName[name] = append(p.nodes, n), n
		}
	}
	return p
}

func (p *planner) pin(s int) NodeName {
	if p.in.Pinned == nil {
		return ""
	}
	return p.in.Pinned[s]
}

// share sets the quotas, which add up to shards. Like water poured into vessels
// that already hold their pinned shards: up to one level, and what is left by
// less than one each. It goes to those nodes that have most to lose.
func (p *planner) share(shards int) {
	level, left := 0, shards
	for {
		sum := 0
		for _, n := range p.nodes {
			sum += max(n.pinned, level+1)
		}
		if sum > shards {
			break
		}
		level++
	}
	var even []*plannedNode
	for _, n := range p.nodes {
		n.quota = max(n.pinned, level)
		left -= n.quota
		if n.pinned <= level {
			even = append(even, n)
		}
	}
	slices.SortStableFunc(even, func(a, b *plannedNode) int {
		return cmp.Compare(len(b.has)+b.pinned, len(a.has)+a.pinned)
	})
	for _, n := range even[:left] {
		n.quota++
	}
}
