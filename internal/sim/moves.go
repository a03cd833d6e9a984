package sim

import (
	"time"

	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// As in package shard.
const (
	movePatience    = 5 * time.Second
	moveRest        = time.Second
	handoffPause    = 50 * time.Millisecond
	arrivalPatience = 2 * movePatience
	outcomePace     = time.Second
)

// moves are the shards that a node moves away or takes over.
type moves struct {
	last       uint64
	departures []*departure
	arrivals   []*arrival
	resting    []time.Duration
	doubtful   map[uint64]bool
}

func newMoves(n int) moves {
	return moves{
		departures: make([]*departure, n), arrivals: make([]*arrival, n), resting: make([]time.Duration, n),
		doubtful: make(map[uint64]bool),
	}
}

func (m *moves) underWay(s cluster.ShardID) bool {
	return m.departures[s] != nil || m.arrivals[s] != nil
}

// box is where a fiber hears what another node says about a move.
type box struct {
	said []*clusterv1.Handoff
	wake func()
}

func (b *box) post(h *clusterv1.Handoff) {
	b.said = append(b.said, h)
	if b.wake != nil {
		b.wake()
	}
}

// take returns what was said next, after waiting for it as long as d at most and
// until the view changes; nil: nothing was.
func (b *box) take(l *life, d time.Duration) *clusterv1.Handoff {
	if len(b.said) == 0 {
		l.w.block(func(wake func()) {
			b.wake = wake
			l.stirred = append(l.stirred, wake)
			l.after(max(0, d), wake)
		})
		b.wake = nil
	}
	if len(b.said) == 0 {
		return nil
	}
	h := b.said[0]
	b.said = b.said[1:]
	return h
}

// depart begins to move a shard away, unless it is moving or has just failed to.
func (l *life) depart(h *hosted, to cluster.NodeName) {
	m := &l.moves
	if m.departures[h.id] != nil || l.p.mono() < m.resting[h.id] {
		return
	}
	m.last++
	d := &departure{l: l, h: h, number: m.last, to: to, target: l.incarnationOf(to), machine: cluster.NewHandoff(h.id)}
	m.departures[h.id] = d
	h.moving = true
	l.run(func() {
		outcome := d.run()
		h.moving = false
		m.departures[h.id] = nil
		switch outcome {
		case cluster.HandoffAbort:
			m.resting[h.id] = l.p.mono() + moveRest
			l.w.counts.Rollbacks++
		case cluster.HandoffForward:
			l.w.counts.Moves++
		default:
			m.doubtful[d.number] = true
			l.w.counts.Doubts++
		}
		l.stir()
	})
}

// handoff takes what another node says about a move.
func (l *life) handoff(h *clusterv1.Handoff) {
	if h.GetTo() != "" && h.GetTo() != string(l.inc) {
		return
	}
	l.w.note(l.inc, "hears from %s: %v", h.GetIncarnation(), h)
	s := cluster.ShardID(h.GetShard())
	switch h.GetBody().(type) {
	case *clusterv1.Handoff_Prepare_, *clusterv1.Handoff_Final_, *clusterv1.Handoff_Committed_, *clusterv1.Handoff_Aborted_:
		l.toArrival(s, h)
	case *clusterv1.Handoff_AskOutcome_:
		d := l.moves.departures[s]
		if d != nil && d.number == h.GetMove() || l.moves.doubtful[h.GetMove()] || h.GetMove() > l.moves.last {
			return
		}
		l.say(cluster.Incarnation(h.GetIncarnation()), &clusterv1.Handoff{
			Move: h.GetMove(), Shard: h.GetShard(), To: h.GetIncarnation(),
			Body: &clusterv1.Handoff_Aborted_{Aborted: &clusterv1.Handoff_Aborted{Why: "the move has ended"}},
		})
	default:
		if d := l.moves.departures[s]; d != nil && d.number == h.GetMove() && string(d.target) == h.GetIncarnation() {
			d.box.post(h)
		}
	}
}

// toArrival passes on what a source says.
func (l *life) toArrival(s cluster.ShardID, h *clusterv1.Handoff) {
	a := l.moves.arrivals[s]
	switch {
	case a != nil && a.source == cluster.Incarnation(h.GetIncarnation()) && a.number == h.GetMove():
		a.box.post(h)
	case h.GetCommitted() != nil:
		if served := l.shards[s]; served != nil && uint64(served.hold.Epoch) >= h.GetCommitted().GetEpoch() {
			l.answerServing(h)
		}
	case h.GetPrepare() == nil:
	case a != nil:
		if a.source == cluster.Incarnation(h.GetIncarnation()) && a.number < h.GetMove() {
			// Whoever begins anew has ended what was before.
			a.box.post(&clusterv1.Handoff{Body: &clusterv1.Handoff_Aborted_{Aborted: &clusterv1.Handoff_Aborted{Why: "begun anew"}}})
		}
		l.refuse(h)
	case l.draining || l.shards[s] != nil || l.claiming[s]:
		l.refuse(h)
	default:
		a = &arrival{
			l: l, shard: s, number: h.GetMove(), source: cluster.Incarnation(h.GetIncarnation()),
			epoch: cluster.Epoch(h.GetPrepare().GetEpoch()), machine: cluster.NewAdoption(s), heard: l.p.mono(), pace: l.p.mono() + outcomePace,
		}
		l.moves.arrivals[s] = a
		a.box.post(h)
		l.run(func() {
			a.run()
			l.moves.arrivals[s] = nil
			l.stir()
		})
	}
}

func (l *life) answerServing(h *clusterv1.Handoff) {
	l.say(cluster.Incarnation(h.GetIncarnation()), &clusterv1.Handoff{
		Move: h.GetMove(), Shard: h.GetShard(), To: h.GetIncarnation(), Body: &clusterv1.Handoff_Serving_{Serving: new(clusterv1.Handoff_Serving)},
	})
}

func (l *life) refuse(h *clusterv1.Handoff) {
	l.say(cluster.Incarnation(h.GetIncarnation()), &clusterv1.Handoff{
		Move: h.GetMove(), Shard: h.GetShard(), To: h.GetIncarnation(), Body: &clusterv1.Handoff_Refused_{Refused: &clusterv1.Handoff_Refused{Why: "not now"}},
	})
}

// say tells another incarnation something about a move.
func (l *life) say(to cluster.Incarnation, h *clusterv1.Handoff) {
	h.Incarnation = string(l.inc)
	for _, p := range l.w.nodes {
		if p.life != nil && p.life.inc == to {
			l.w.tell(l.p.at, cluster.Address(p.name), func(o *life) { o.handoff(h) })
		}
	}
}

// parked is a command or a message that nobody has looked at yet.
type parked struct {
	command *cluster.Command
	message *letter
}

// lot keeps what arrives for a shard on its way.
type lot struct{ waiting []parked }

func (t *lot) park(m parked) { t.waiting = append(t.waiting, m) }

// clear takes the lot away and hands each that waits to next.
func (l *life) clear(s cluster.ShardID, t *lot, next func(parked)) {
	if t == nil {
		return
	}
	if l.lots[s] == t {
		l.lots[s] = nil
	}
	waiting := t.waiting
	t.waiting = nil
	for _, m := range waiting {
		next(m)
	}
}

// elsewhere tells the sender of a command that the shard is not served here.
func (l *life) elsewhere(m parked) {
	if m.command != nil {
		l.redirect(m.command)
	}
}

// again takes what waited as if it arrived now.
func (l *life) again(m parked) {
	if m.command != nil {
		l.command(m.command)
	} else {
		l.message(m.message)
	}
}
