package shard

import (
	"context"
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
	// preparePatience bounds how long a target may take to load a shard, while
	// the source serves it.
	preparePatience = 30 * time.Second
	// freezePatience bounds how long players wait until the transaction is sent.
	// Then the source serves on.
	freezePatience = 2 * time.Second
	// commitPatience bounds the wait for the transaction's outcome. Then the source
	// claims the shard. Both together are as long as a command is patient.
	commitPatience = 3 * time.Second
	// firstRest is how long a shard stays after a move that came to nothing. It
	// doubles with each in a row, up to longestRest, which is also how long one
	// rests whose target has put together another state.
	firstRest   = time.Second
	longestRest = time.Minute
	// handoffPause is the pause before what was not answered is said again.
	handoffPause = 50 * time.Millisecond
	// handoffBox bounds what waits for one move. The rest is dropped, and said
	// again. Half of it is for what is not.
	handoffBox = 16
	// lingering is how long the mailbox of a shard that has left stays, to
	// redirect what was on its way to it.
	lingering = 2 * time.Second
)

var (
	// errMoveTimeout ends a move that takes longer than its patience.
	errMoveTimeout = errors.New("it takes too long")
	// errMovesStop ends a move that has not come to its transaction when the node
	// stops.
	errMovesStop = errors.New("the node stops")
)

// moves are the shards that this incarnation is moving away or taking over.
type moves struct {
	// wanted ends when no more moves are: those that have not come to their
	// transaction are called off.
	wanted context.Context
	cancel context.CancelCauseFunc

	mu         sync.Mutex
	ended      bool   // no goroutine may be started any more
	last       uint64 // number of the newest departure
	departures map[cluster.ShardID]*departure
	arrivals   map[cluster.ShardID]*arrival
	resting    map[cluster.ShardID]rest
	// doubtful are departures whose outcome was unknown at their end. Nobody is
	// told that such a one has come to nothing: its transaction may still land.
	// They are few in the life of an incarnation.
	doubtful map[uint64]bool
}

// rest is how long a shard is left alone, after how many moves in a row that
// came to nothing.
type rest struct {
	until time.Time
	tries int
}

func newMoves(ctx context.Context) *moves {
	m := &moves{
		departures: make(map[cluster.ShardID]*departure),
		arrivals:   make(map[cluster.ShardID]*arrival),
		resting:    make(map[cluster.ShardID]rest),
		doubtful:   make(map[uint64]bool),
	}
	m.wanted, m.cancel = context.WithCancelCause(ctx)
	return m
}

// stop calls off what has not come to its transaction, and begins nothing more.
func (m *moves) stop() { m.cancel(errMovesStop) }

// end has no more goroutines started: the incarnation waits for those there are.
func (m *moves) end() {
	m.stop()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = true
}

// count is how many shards are on their way.
func (m *moves) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.departures) + len(m.arrivals)
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
	if m.ended || m.wanted.Err() != nil || m.departures[h.id] != nil || m.arrivals[h.id] != nil ||
		len(m.departures) >= maxDepartures || time.Now().Before(m.resting[h.id].until) {
		return
	}
	m.last++
	d := newDeparture(inc, h, m.last, to)
	m.departures[h.id] = d
	inc.wg.Go(func() {
		why := d.run(inc.ctx)
		m.mu.Lock()
		delete(m.departures, h.id)
		m.settled(d, why)
		if d.receipt.GetOutcome() == clusterv1.MoveOutcome_MOVE_OUTCOME_IN_DOUBT {
			inc.unsure.Store(true)
		}
		m.mu.Unlock()
		inc.wake() // for the next move, or to find out
		inc.finished(inc.ctx, d.receipt, why)
	})
}

// settled notes what a departure leaves behind. Called with m.mu held.
func (m *moves) settled(d *departure, why error) {
	switch d.receipt.GetOutcome() {
	case clusterv1.MoveOutcome_MOVE_OUTCOME_ROLLED_BACK:
		r := m.resting[d.h.id]
		pause := longestRest
		if r.tries < 6 && !errors.Is(why, cluster.ErrStateDiffers) {
			pause = firstRest << r.tries
		}
		m.resting[d.h.id] = rest{until: time.Now().Add(pause), tries: r.tries + 1}
	case clusterv1.MoveOutcome_MOVE_OUTCOME_IN_DOUBT:
		m.doubtful[d.number] = true
	default:
		delete(m.resting, d.h.id)
	}
}

// handoff takes what another node says about moving a shard.
func (inc *incarnation) handoff(h *clusterv1.Handoff) {
	if h.GetTo() != string(inc.member.Incarnation()) || int(h.GetShard()) >= len(inc.shards) || inc.journal == nil {
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

// post puts a message into a move's box, or drops it when that is full. What
// would be said again anyway leaves room for what would not.
func post(box chan *clusterv1.Handoff, h *clusterv1.Handoff) {
	if len(box) >= cap(box)/2 && (h.GetPrepare() != nil || h.GetFinal() != nil) {
		return
	}
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
	case m.ended:
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
			// What this node knows of assignments may be older than the source's,
			// and would send the shard back.
			m.resting[s] = rest{until: time.Now().Add(firstRest)}
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
