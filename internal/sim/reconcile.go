package sim

import (
	"time"

	"github.com/holdfast-game/holdfast/cluster"
)

// reconcilePace is how often a node compares what it holds with what etcd says.
const reconcilePace = time.Second

// reconcile makes what a node holds follow what is assigned to it.
func (l *life) reconcile() {
	next := l.p.mono() + reconcilePace
	for {
		l.settle()
		l.idle(max(0, next-l.p.mono()))
		if now := l.p.mono(); now >= next || l.unsure {
			l.unsure = false
			next = now + reconcilePace
			l.resolve()
		}
	}
}

// settle claims what is missing and moves what belongs elsewhere.
func (l *life) settle() {
	assignments, routes := l.member.View.Assignments(), l.member.View.Routes()
	for i, h := range l.shards {
		s := cluster.ShardID(i)
		switch {
		case assignments.Node(s) == l.p.name:
			if h == nil && !routes.Owner(s).Owned() && !l.draining {
				l.tryClaim(s)
			}
		case h != nil && l.sees(l.incarnationOf(assignments.Node(s))):
			l.depart(h, assignments.Node(s))
		}
	}
}

// tryClaim begins a claim unless the shard is on its way already, or has just
// failed to be claimed.
func (l *life) tryClaim(s cluster.ShardID) {
	if l.claiming[s] || l.moves.underWay(s) || l.p.mono() < l.rests[s] {
		return
	}
	l.claiming[s] = true
	l.run(func() {
		l.claim(s)
		l.claiming[s] = false
	})
}

// resolve compares what etcd says this incarnation owns with what it holds.
func (l *life) resolve() {
	owned, err := l.member.Owned(l.within(time.Second))
	if err != nil {
		return
	}
	mine := make([]bool, len(l.shards))
	for _, s := range owned {
		mine[s] = true
		if l.shards[s] == nil {
			l.tryClaim(s)
		}
	}
	for i, h := range l.shards {
		s := cluster.ShardID(i)
		if h == nil || mine[s] || l.claiming[s] || l.moves.underWay(s) {
			continue
		}
		l.w.note(l.inc, "serves shard %d, and does not own it", s)
		l.freeze(h)
	}
}

// incarnationOf is the life that a node has, as far as this one knows.
func (l *life) incarnationOf(name cluster.NodeName) cluster.Incarnation {
	for _, n := range l.member.View.Nodes() {
		if n.GetName() == string(name) {
			return cluster.Incarnation(n.GetIncarnation())
		}
	}
	return ""
}

// drain is the end of a node in good order: the planner has its shards moved to
// others, and what is left after a while is released.
func (l *life) drain() {
	l.w.note(l.inc, "drains")
	l.draining = true
	l.w.replan(l.p.name)
	for patient := l.within(2 * time.Second); left(patient) > 0 && l.serving(); {
		l.idle(left(patient))
	}
	for _, h := range l.shards {
		if h == nil || h.moving {
			continue
		}
		if l.w.chance(0.5) {
			l.checkpoint(h)
		}
		if l.freeze(h) {
			l.release(h)
		}
	}
	l.soon(l.stop)
}

// serving says whether anything is served here, or on its way.
func (l *life) serving() bool {
	for s, h := range l.shards {
		if h != nil || l.moves.departures[s] != nil {
			return true
		}
	}
	return false
}
