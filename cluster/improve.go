package cluster

import (
	"cmp"
	"slices"
)

const (
	// worthwhile is how much less spread, as a part of an even share, makes up
	// for moving shards when the target cannot be reached.
	worthwhile = 0.05
	// margin is by how much, as a part of an even share, the node that gets a
	// shard must stay below what the other had. So no small change of weights
	// makes a move in the other direction look good.
	margin = 0.02
)

// improve evens out loads: a local search that takes the step after which the
// sum of the squares of the loads is least, which is the heaviest shard that
// fits the gap, until every node is within the target. A shard for a shard is
// tried where no shard alone fits. What turns out not to be needed is undone,
// and all of it if it gains too little.
func (b *balance) improve() {
	start := slices.Clone(b.at)
	before := b.spread()
	// Each step lowers the sum of the squares; the bound is for rounding.
	for range 4 * len(b.at) {
		if b.spread() <= targetTolerance || !b.shift() && !b.swap() {
			break
		}
	}
	b.prune(start)
	if after := b.spread(); after > targetTolerance && before-after < worthwhile {
		for s, to := range start {
			b.put(s, to)
		}
	}
}

// shift moves the one shard that gains most, and says whether there is one.
func (b *balance) shift() bool {
	best, shard, node := 0.0, 0, 0
	for s, row := range b.in.Shards {
		if b.fixed[s] {
			continue
		}
		from := b.nodes[b.at[s]].load
		for to, n := range b.nodes {
			if gain := b.gain(from-n.load, row.Weight); gain > best && n.name != row.Not {
				best, shard, node = gain, s, to
			}
		}
	}
	if best == 0 {
		return false
	}
	b.put(shard, node)
	return true
}

// gain is half of what the sum of the squares of two loads loses when weight w
// goes over a gap; 0 when it may not.
func (b *balance) gain(gap, w float64) float64 {
	if w <= 0 || gap-w < margin*b.even {
		return 0
	}
	return w * (gap - w)
}

// swap exchanges the two shards that gain most, and says whether there are any.
// One of the nodes is the one with the most or with the least load: so it is
// fast enough for MaxShards.
func (b *balance) swap() bool {
	most, least := 0, 0
	for i, n := range b.nodes {
		if n.load > b.nodes[most].load {
			most = i
		}
		if n.load < b.nodes[least].load {
			least = i
		}
	}
	on := make([][]int, len(b.nodes))
	for s, i := range b.at {
		if !b.fixed[s] {
			on[i] = append(on[i], s)
		}
	}
	best, heavy, light := 0.0, 0, 0
	try := func(from, to int) {
		gap := b.nodes[from].load - b.nodes[to].load
		for _, x := range on[from] {
			for _, y := range on[to] {
				d := b.in.Shards[x].Weight - b.in.Shards[y].Weight
				if d < margin*b.even {
					continue // two moves for nothing
				}
				if gain := b.gain(gap, d); gain > best && b.may(x, to) && b.may(y, from) {
					best, heavy, light = gain, x, y
				}
			}
		}
	}
	for i := range b.nodes {
		try(most, i)
		try(i, least)
	}
	if best == 0 {
		return false
	}
	from, to := b.at[heavy], b.at[light]
	b.put(heavy, to)
	b.put(light, from)
	return true
}

func (b *balance) may(s, to int) bool { return b.nodes[to].name != b.in.Shards[s].Not }

// prune takes back moves without which it would be as well, the lightest first.
// A shard that came from nowhere stays.
func (b *balance) prune(start []int) {
	good := max(targetTolerance, b.spread())
	var moved []int
	for s, to := range b.at {
		if to != start[s] {
			moved = append(moved, s)
		}
	}
	slices.SortStableFunc(moved, func(x, y int) int {
		return cmp.Compare(b.in.Shards[x].Weight, b.in.Shards[y].Weight)
	})
	for _, s := range moved {
		to := b.at[s]
		b.put(s, start[s])
		if b.spread() > good {
			b.put(s, to)
		}
	}
}
