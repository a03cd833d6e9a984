package shard

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// A planned move brings a shard from one live node, the source, to another, the
// target. No state travels between them: the target loads the newest checkpoint
// and reads the source's log, as a recovery does, so that each move also proves
// that both together give what the source has in memory. The protocol is
// cluster.Handoff and cluster.Adoption; departure and arrival carry it out.

const (
	// maxDepartures bounds how many shards a node moves away at a time: each
	// makes the log and the disk slower for the players of all others.
	maxDepartures = 4
	// maxArrivals bounds how many shards a node prepares to take over at a time,
	// whose states it holds besides its own.
	maxArrivals = 16
	// movePatience bounds a move until its transaction. Then the source serves on.
	movePatience = 5 * time.Second
	// moveRest is how long a shard stays after a move that came to nothing.
	moveRest = time.Second
	// handoffPause is the pause before what was not answered is said again.
	handoffPause = 50 * time.Millisecond
	// handoffBox bounds what waits for one move. The rest is dropped, and said
	// again.
	handoffBox = 16
	// lingering is how long the mailbox of a shard that has left stays, to
	// redirect what was on its way to it.
	lingering = 2 * time.Second
)

// errMoveTimeout ends a move that takes longer than movePatience.
var errMoveTimeout = errors.New("it takes too long")

// moves are the shards that this incarnation is moving away or taking over.
type moves struct {
	mu         sync.Mutex
	last       uint64 // number of the newest departure
	departures map[cluster.ShardID]*departure
	arrivals   map[cluster.ShardID]*arrival
	resting    map[cluster.ShardID]time.Time
	// doubtful are departures whose outcome was unknown at their end. Nobody is
	// told that such a one has come to nothing: its transaction may still land.
	doubtful map[uint64]bool
}

func newMoves() *moves {
	return &moves{
		departures: make(map[cluster.ShardID]*departure),
		arrivals:   make(map[cluster.ShardID]*arrival),
		resting:    make(map[cluster.ShardID]time.Time),
		doubtful:   make(map[uint64]bool),
	}
}

// underWay says whether a shard is being moved. What etcd says about it and what
// is served differ then for good reason.
func (m *moves) underWay(s cluster.ShardID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.departures[s] != nil || m.arrivals[s] != nil
}

// moveTarget returns the live node that a shard is assigned to, nil when that is
// this node or there is none.
func (inc *incarnation) moveTarget(s cluster.ShardID) *clusterv1.Node {
	name := inc.view.Assignments().Node(s)
	if name == "" || name == inc.member.Name() {
		return nil
	}
	for _, n := range inc.view.Nodes() {
		if n.GetName() == string(name) && slices.Contains(n.GetRoles(), cluster.RoleShard) {
			return n
		}
	}
	return nil
}

// lives says whether an incarnation is a member, as far as this node knows.
func (inc *incarnation) lives(i string) bool {
	return slices.ContainsFunc(inc.view.Nodes(), func(n *clusterv1.Node) bool { return n.GetIncarnation() == i })
}

// depart begins to move a shard to another node, unless it is moving, has just
// failed to, or enough others are.
func (inc *incarnation) depart(h *hosted, to *clusterv1.Node) {
	m := inc.moves
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.departures[h.id] != nil || len(m.departures) >= maxDepartures || time.Now().Before(m.resting[h.id]) {
		return
	}
	m.last++
	d := newDeparture(inc, h, m.last, to)
	m.departures[h.id] = d
	inc.wg.Go(func() {
		outcome := d.run(inc.ctx)
		m.mu.Lock()
		delete(m.departures, h.id)
		switch outcome {
		case clusterv1.MoveOutcome_MOVE_OUTCOME_ROLLED_BACK:
			m.resting[h.id] = time.Now().Add(moveRest)
		case clusterv1.MoveOutcome_MOVE_OUTCOME_IN_DOUBT:
			m.doubtful[d.number] = true
		default:
			delete(m.resting, h.id)
		}
		m.mu.Unlock()
		inc.wake() // for the next move, or to find out
	})
}

// handoff takes what another node says about moving a shard.
func (inc *incarnation) handoff(h *clusterv1.Handoff) {
	if h.GetTo() != "" && h.GetTo() != string(inc.member.Incarnation()) || int(h.GetShard()) >= len(inc.shards) || inc.journal == nil {
		return
	}
	switch h.GetBody().(type) {
	case *clusterv1.Handoff_Prepare_, *clusterv1.Handoff_Final_, *clusterv1.Handoff_Committed_, *clusterv1.Handoff_Aborted_:
		inc.toArrival(h)
	case *clusterv1.Handoff_AskOutcome_:
		inc.tellOutcome(h)
	default:
		inc.toDeparture(h)
	}
}

// post puts a message into a move's box, or drops it when that is full.
func post(box chan *clusterv1.Handoff, h *clusterv1.Handoff) {
	select {
	case box <- h:
	default:
	}
}

// toDeparture passes on what a target says.
func (inc *incarnation) toDeparture(h *clusterv1.Handoff) {
	inc.moves.mu.Lock()
	d := inc.moves.departures[cluster.ShardID(h.GetShard())]
	inc.moves.mu.Unlock()
	if d != nil && d.number == h.GetMove() && d.target.GetIncarnation() == h.GetIncarnation() {
		post(d.box, h)
	}
}

// tellOutcome answers a target that waits. While the departure is under way it
// speaks for itself; one that has ended without doubt has either come to nothing,
// or the target finds in etcd that it is the owner.
func (inc *incarnation) tellOutcome(h *clusterv1.Handoff) {
	m := inc.moves
	m.mu.Lock()
	d := m.departures[cluster.ShardID(h.GetShard())]
	open := d != nil && d.number == h.GetMove() || m.doubtful[h.GetMove()] || h.GetMove() > m.last
	m.mu.Unlock()
	if open {
		return
	}
	inc.tellNode(h.GetIncarnation(), &clusterv1.Handoff{
		Move: h.GetMove(), Shard: h.GetShard(), Incarnation: string(inc.member.Incarnation()), To: h.GetIncarnation(),
		Body: &clusterv1.Handoff_Aborted_{Aborted: &clusterv1.Handoff_Aborted{Why: "the move has ended"}},
	})
}

// toArrival passes on what a source says, and begins an arrival when it is the
// first word about a move.
func (inc *incarnation) toArrival(h *clusterv1.Handoff) {
	m, s := inc.moves, cluster.ShardID(h.GetShard())
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.arrivals[s]
	switch {
	case a != nil && a.isOf(h):
		post(a.box, h)
	case h.GetCommitted() != nil:
		inc.tellServing(h)
	case h.GetPrepare() == nil:
	case a != nil:
		if a.source == h.GetIncarnation() && a.number < h.GetMove() {
			// Whoever begins anew has ended what was before.
			post(a.box, a.aborted("another move of the shard has begun"))
		}
		inc.refuseMove(h, "another move of the shard has not ended here")
	case len(m.arrivals) >= maxArrivals:
		inc.refuseMove(h, "too many shards are on their way here")
	case inc.draining():
		inc.refuseMove(h, "the node gives up its own shards")
	case inc.shards[s].Load() != nil:
		inc.refuseMove(h, "the shard is served here")
	default:
		a = newArrival(inc, h)
		m.arrivals[s] = a
		inc.wg.Go(func() {
			a.run(inc.ctx)
			m.mu.Lock()
			delete(m.arrivals, s)
			m.mu.Unlock()
			inc.wake()
		})
		post(a.box, h)
	}
}

// tellServing says again that a shard is served, when its source has not heard.
func (inc *incarnation) tellServing(h *clusterv1.Handoff) {
	served := inc.shards[h.GetShard()].Load()
	if served == nil || uint64(served.hold.Epoch) < h.GetCommitted().GetEpoch() {
		return
	}
	answer := &clusterv1.Handoff{Move: h.GetMove(), Shard: h.GetShard(), Incarnation: string(inc.member.Incarnation()), To: h.GetIncarnation()}
	serving(answer)
	inc.tellNode(h.GetIncarnation(), answer)
}

// tellNode says something to an incarnation, if it lives.
func (inc *incarnation) tellNode(incarnation string, h *clusterv1.Handoff) {
	for _, n := range inc.view.Nodes() {
		if n.GetIncarnation() == incarnation {
			inc.mesh.SendHandoff(cluster.Address(n.GetAddress()), h)
		}
	}
}

// refuseMove turns away at once.
func (inc *incarnation) refuseMove(h *clusterv1.Handoff, why string) {
	inc.mesh.SendHandoff(cluster.Address(h.GetPrepare().GetAddress()), &clusterv1.Handoff{
		Move: h.GetMove(), Shard: h.GetShard(), Incarnation: string(inc.member.Incarnation()), To: h.GetIncarnation(),
		Body: &clusterv1.Handoff_Refused_{Refused: &clusterv1.Handoff_Refused{Why: why}},
	})
}

// wake has reconcile look again.
func (inc *incarnation) wake() {
	select {
	case inc.stirred <- struct{}{}:
	default: // it will
	}
}
