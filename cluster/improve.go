package cluster

import "slices"

const (
	// worthwhile is how much less spread, as a part of an even share, makes up
	// for moving shards when the target cannot be reached.
	worthwhile = 0.05
	// worthSwapping is how much of an even share two shards must differ by for an
	// exchange, which is two moves.
	worthSwapping = 0.02
)

// improve evens out loads: a local search that takes the step after which the
// sum of the squares of the loads is least, which is the heaviest shard that
// fits the gap, until every node is within the target. A shard for a shard is
// tried where no shard alone fits. All of it is undone if it gains too little.
func (b *balance) improve() {
	start := slices.Clone(b.at)
	before := b.spread()
	// Each step lowers the sum of the squares; the bound is for rounding.
	for range 4 * len(b.at) {
		if b.spread() <= targetTolerance || !b.shift() && !b.swap() {
			break
		}
	}
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
			if gain := gain(from-n.load, row.Weight); gain > best && n.name != row.Not {
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
// goes over the gap between them. It is negative when it grows.
func gain(gap, w float64) float64 { return w * (gap - w) }

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
				if d < worthSwapping*b.even {
					continue // two moves for nothing
				}
				if gain := gain(gap, d); gain > best && b.may(x, to) && b.may(y, from) {
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
