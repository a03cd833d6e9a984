package cluster

import (
	"slices"
	"sync"
	"time"
)

const (
	// lastWordFor is how long a proposal is stood by.
	lastWordFor = 10 * time.Minute
	// lastWordSlack is how much worse, as a part of an even share, than the best
	// there is now it may be.
	lastWordSlack = 0.03
)

// lastWord is the proposal that was made last. Asked again while shards and
// nodes are the same, one stands by it, though weights that are a little
// different now would make another: what an operator was shown is what is then
// carried out.
type lastWord struct {
	mu sync.Mutex
	in PlanInput // nil Shards: nothing was said yet
	p  Proposal
	at time.Time
}

// propose is Propose, or stands by the last one.
func (l *lastWord) propose(now time.Time, in PlanInput) Proposal {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := Propose(in)
	if now.Sub(l.at) < lastWordFor && sameShards(in, l.in) {
		if old := l.again(in); old.Spread <= max(p.Spread, targetTolerance)+lastWordSlack {
			return old
		}
	}
	l.in, l.p, l.at = in, p, now
	return p
}

// again returns the last proposal's moves, in their order, with the weights of
// in.
func (l *lastWord) again(in PlanInput) Proposal {
	p := propose(in, func(b *balance) {
		for _, m := range l.p.Moves {
			b.put(int(m.Shard), b.index(m.To))
		}
	})
	p.Moves = slices.Clone(l.p.Moves)
	for i, m := range p.Moves {
		p.Moves[i].Weight = in.Shards[m.Shard].Weight
	}
	return p
}

// sameShards says whether two inputs differ in nothing but weights.
func sameShards(x, y PlanInput) bool {
	return x.Begin == y.Begin && slices.Equal(x.Nodes, y.Nodes) && slices.EqualFunc(x.Shards, y.Shards, func(a, b PlanShard) bool {
		a.Weight = b.Weight
		return a == b
	})
}
