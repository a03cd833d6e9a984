package cluster

import (
	"slices"
	"time"
)

const (
	// stuckAfter is how long a shard may be on its way before others no longer
	// wait for it, and gaveUpAfter how long before it is told to stay, or to go
	// to another node: long enough to load a large shard, and not for ever.
	stuckAfter  = 15 * time.Second
	gaveUpAfter = time.Minute
	// refusedFor is how long a node that a shard could not be moved to is not
	// tried again with that shard; nor with any, after shunnedAfter shards.
	refusedFor   = 5 * time.Minute
	shunnedAfter = 3
)

// moving is a shard whose owner was told to move it.
type moving struct {
	to    NodeName
	since time.Time
}

// refusal is a node that a shard did not get to.
type refusal struct {
	node  NodeName
	until time.Time
	// moved: it was to come from another node. If not then the shard itself may
	// be what is wrong.
	moved bool
}

// watch notes what has changed since the last look.
func (p *standing) watch(now time.Time, snap *snapshot, nodes []NodeName) {
	if p.moving == nil {
		p.moving, p.refused = make(map[ShardID]moving), make(map[ShardID]refusal)
	}
	if rev := max(snap.routes.rev, snap.assignments.rev); rev != p.changed || !slices.Equal(nodes, p.nodes) {
		p.changed, p.nodes, p.quiet, p.lopsided = rev, nodes, now, time.Time{}
	}
	for s := range snap.assignments.rows {
		s := ShardID(s)
		if r, ok := p.refused[s]; ok && now.After(r.until) {
			delete(p.refused, s)
		}
		to, ok := snap.onItsWay(s)
		switch {
		case !ok || !slices.Contains(nodes, to):
			delete(p.moving, s)
		case p.moving[s].to != to:
			p.moving[s] = moving{to, now}
		case now.Sub(p.moving[s].since) >= gaveUpAfter:
			p.refused[s] = refusal{to, now.Add(refusedFor), snap.routes.Owner(s).Owned()}
		}
	}
}

// onTheirWay counts the shards that others must wait for.
func (p *standing) onTheirWay(now time.Time) (n int) {
	for _, m := range p.moving {
		if now.Sub(m.since) < stuckAfter {
			n++
		}
	}
	return n
}

// underWay says whether a shard is on its way to a node that it may still get
// to. It is not told to turn round: when it has come it can go on.
func (p *standing) underWay(s ShardID) bool {
	m, ok := p.moving[s]
	return ok && p.refused[s].node != m.to
}

// shunned says whether so many shards could not be moved to a node that no more
// should be sent there.
func (p *standing) shunned(n NodeName) bool {
	times := 0
	for _, r := range p.refused {
		if r.node == n && r.moved {
			times++
		}
	}
	return times >= shunnedAfter
}
