package cluster

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
)

// meterConstant is the time constant of a Meter's smoothing: a change of load is
// seen to two thirds after it. The noise of a shard with 100 commands/s is then
// below 2 %.
const meterConstant = 15 * time.Second

// ShardCount is what a node has counted for one of its shards.
type ShardCount struct {
	Shard ShardID
	// Commands since the node serves the shard. A number below the last one
	// begins anew. Messages between actors do not count: many of them go to
	// whoever is near, and would be somewhere else after a move. A plan made with
	// them takes what a shard is asked for because of its neighbours along to a
	// node where it has other neighbours.
	Commands      uint64
	Actors, Bytes uint64
}

// Meter makes smoothed rates of counts. The zero value is ready. It is not for
// concurrent use.
//
// Rates are exponentially weighted means, divided by the sum of the weights, so
// that a shard that has just come has an unbiased rate from the second look on,
// only a less certain one.
type Meter struct {
	at     time.Time
	shards map[ShardID]*meteredShard
}

type meteredShard struct {
	count uint64
	sum   float64 // of rates, weighted
	norm  float64 // sum of the weights
	over  time.Duration
}

// Observe returns the loads of the shards that are counted now, by shard.
// Shards that are left out are forgotten.
func (m *Meter) Observe(now time.Time, counts []ShardCount) []ShardLoad {
	elapsed := now.Sub(m.at)
	if m.shards == nil {
		m.shards = make(map[ShardID]*meteredShard)
	}
	seen := make(map[ShardID]bool, len(counts))
	out := make([]ShardLoad, 0, len(counts))
	for _, c := range counts {
		seen[c.Shard] = true
		s := m.shards[c.Shard]
		if s == nil || c.Commands < s.count {
			// What it counted before this look may be of any time.
			s = &meteredShard{count: c.Commands}
			m.shards[c.Shard] = s
		} else if elapsed > 0 {
			s.add(float64(c.Commands-s.count), elapsed)
			s.count = c.Commands
		}
		load := ShardLoad{Shard: c.Shard, Actors: c.Actors, Bytes: c.Bytes, Over: max(s.over, time.Millisecond)}
		if s.norm > 0 {
			load.Commands = s.sum / s.norm
		}
		out = append(out, load)
	}
	maps.DeleteFunc(m.shards, func(s ShardID, _ *meteredShard) bool { return !seen[s] })
	slices.SortFunc(out, func(a, b ShardLoad) int { return cmp.Compare(a.Shard, b.Shard) })
	m.at = now
	return out
}

func (s *meteredShard) add(n float64, elapsed time.Duration) {
	keep := math.Exp(-elapsed.Seconds() / meterConstant.Seconds())
	s.sum = s.sum*keep + n/elapsed.Seconds()*(1-keep)
	s.norm = s.norm*keep + 1 - keep
	s.over += elapsed
}
