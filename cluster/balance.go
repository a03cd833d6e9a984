package cluster

import (
	"cmp"
	"math"
	"slices"
)

// balance is a plan in the making: shards on nodes, moved about.
type balance struct {
	in    PlanInput
	nodes []*balanceNode // by name
	at    []int          // by shard: index of its node, -1 for none
	fixed []bool         // by shard: it is where it is pinned to
	mean  float64
	even  float64
}

type balanceNode struct {
	name   NodeName
	load   float64
	pinned float64 // part of load that is pinned here
}

func newBalance(in PlanInput) *balance {
	b := &balance{in: in, at: make([]int, len(in.Shards)), fixed: make([]bool, len(in.Shards))}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(in.Nodes))) {
		b.nodes = append(b.nodes, &balanceNode{name: name})
	}
	total := 0.0
	for s, row := range in.Shards {
		total += row.Weight
		b.at[s] = -1
		if pin := b.index(row.Pinned); pin >= 0 {
			b.fixed[s] = true
			b.nodes[pin].pinned += row.Weight
		}
	}
	if len(b.nodes) > 0 {
		b.mean = total / float64(len(b.nodes))
		b.even = b.evenLoad(total)
	}
	return b
}

// index returns the index of a node that may own shards, or -1.
func (b *balance) index(name NodeName) int {
	i, ok := slices.BinarySearchFunc(b.nodes, name, func(n *balanceNode, name NodeName) int { return cmp.Compare(n.name, name) })
	if !ok {
		return -1
	}
	return i
}

// evenLoad is the level to which loads can be evened out at best. A lump that is
// above it, a shard or all that is pinned to a node, has a node for itself, and
// the others share the rest.
func (b *balance) evenLoad(total float64) float64 {
	var lumps []float64
	for s, row := range b.in.Shards {
		if !b.fixed[s] {
			lumps = append(lumps, row.Weight)
		}
	}
	for _, n := range b.nodes {
		lumps = append(lumps, n.pinned)
	}
	slices.Sort(lumps)
	slices.Reverse(lumps)
	k := len(b.nodes)
	for _, l := range lumps {
		if k == 1 || l <= total/float64(k) {
			break
		}
		total -= l
		k--
	}
	return total / float64(k)
}

// heavy returns the shards above the mean, ascending.
func (b *balance) heavy() []ShardID {
	var out []ShardID
	for s, row := range b.in.Shards {
		if len(b.nodes) > 1 && row.Weight > b.mean {
			out = append(out, ShardID(s))
		}
	}
	return out
}

// before returns the load on each node as it is.
func (b *balance) before() map[NodeName]float64 {
	loads := make(map[NodeName]float64)
	for _, n := range b.nodes {
		loads[n.name] = 0
	}
	for _, row := range b.in.Shards {
		if row.Node != "" {
			loads[row.Node] += row.Weight
		}
	}
	return loads
}

// settle puts every shard where it is, or is pinned to, and those that are left,
// the heaviest first, on the node with the least load.
func (b *balance) settle() {
	var homeless []int
	for s, row := range b.in.Shards {
		to := b.index(row.Pinned)
		if to < 0 {
			to = b.index(row.Node)
		}
		if to < 0 {
			homeless = append(homeless, s)
			continue
		}
		b.put(s, to)
	}
	slices.SortStableFunc(homeless, func(x, y int) int {
		return cmp.Compare(b.in.Shards[y].Weight, b.in.Shards[x].Weight)
	})
	for _, s := range homeless {
		b.put(s, b.leastLoaded(b.index(b.in.Shards[s].Not)))
	}
}

// leastLoaded returns the node with the least load, not the one with index not
// if there is another.
func (b *balance) leastLoaded(not int) int {
	best := -1
	for i, n := range b.nodes {
		if i == not && len(b.nodes) > 1 {
			continue
		}
		if best < 0 || n.load < b.nodes[best].load {
			best = i
		}
	}
	return best
}

// put moves a shard to the node with index to.
func (b *balance) put(s, to int) {
	w := b.in.Shards[s].Weight
	if from := b.at[s]; from >= 0 {
		b.nodes[from].load -= w
	}
	b.nodes[to].load += w
	b.at[s] = to
}

// spread says how far the node that is furthest off is off, as a part of even.
func (b *balance) spread() float64 {
	if b.even <= 0 {
		return 0
	}
	lump := make([]float64, len(b.nodes)) // what each cannot help having
	for i, n := range b.nodes {
		lump[i] = max(b.even, n.pinned)
	}
	for s, row := range b.in.Shards {
		if !b.fixed[s] {
			lump[b.at[s]] = max(lump[b.at[s]], row.Weight)
		}
	}
	worst := 0.0
	for i, n := range b.nodes {
		worst = max(worst, n.load-lump[i], b.even-n.load)
	}
	// What is left of adding and taking away in another order is no spread.
	return math.Round(worst/b.even*1e9) / 1e9
}
