package cluster

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Rehearsal is a cluster on paper, for finding out what the planner would make of
// a load. The planner, the meters and the weights are those of every cluster, with
// their pace; nodes do nothing but report what was counted for them, and shards
// come to where they are assigned after a while. Its time passes in Advance. It
// belongs to one goroutine.
type Rehearsal struct {
	cfg   RehearsalConfig
	now   time.Time
	snap  *snapshot
	seen  chan struct{} // of the snapshot that the planner has looked at
	mind  standing
	last  lastWord
	nodes map[NodeName]*Meter

	counts []ShardCount // by shard; commands since its owner has it
	due    map[ShardID]rehearsedArrival
	moves  []RehearsedMove // since Advance was called last
	epoch  uint64
}

// RehearsalConfig says what the cluster is. All fields but Owners are required.
type RehearsalConfig struct {
	// Nodes that live, all of which may own shards.
	Nodes []NodeName
	// Shards is how many there are, at most MaxShards.
	Shards int
	// Owners has the node of each shard in the beginning. Those of nobody, or of a
	// node that is not in Nodes, are for the planner to give out. nil: all of them.
	Owners []NodeName
	Start  time.Time
	// Takes is how long a shard is on its way, from when its owner is told until
	// another serves it. from is "" where nobody has it.
	Takes func(s ShardID, from, to NodeName) time.Duration
}

// RehearsedMove is a shard that came to another node.
type RehearsedMove struct {
	PlannedMove
	// Told is when the planner assigned it, and At when it was served.
	Told, At time.Time
}

type rehearsedArrival struct {
	RehearsedMove
	to NodeName
}

// rehearsalTick is how finely time passes: finer than anything that nodes or the
// planner do by the clock.
const rehearsalTick = 100 * time.Millisecond

// Validate names the field that cannot be.
func (c RehearsalConfig) Validate() error {
	switch {
	case len(c.Nodes) == 0:
		return errors.New("a cluster without nodes")
	case c.Shards < 1 || c.Shards > MaxShards:
		return fmt.Errorf("shards: %d, must be 1 to %d", c.Shards, MaxShards)
	case len(c.Owners) > c.Shards:
		return fmt.Errorf("owners of %d shards, there are %d", len(c.Owners), c.Shards)
	case c.Takes == nil:
		return errors.New("takes: must be set")
	}
	for _, n := range c.Nodes {
		if !validName.MatchString(string(n)) {
			return fmt.Errorf("%q cannot be a node's name", n)
		}
	}
	return nil
}

// NewRehearsal returns a cluster whose time is cfg.Start.
func NewRehearsal(cfg RehearsalConfig) (*Rehearsal, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("rehearse: %w", err)
	}
	r := &Rehearsal{
		cfg: cfg, now: cfg.Start, snap: emptySnapshot(cfg.Shards), nodes: make(map[NodeName]*Meter),
		counts: make([]ShardCount, cfg.Shards), due: make(map[ShardID]rehearsedArrival),
	}
	for _, n := range cfg.Nodes {
		r.nodes[n] = new(Meter)
		r.put(dirNodes, string(n), &clusterv1.Node{Name: string(n), Roles: []string{RoleShard}, State: clusterv1.NodeState_NODE_STATE_UP})
	}
	for s := range r.counts {
		r.counts[s].Shard = ShardID(s)
		if s < len(cfg.Owners) && r.nodes[cfg.Owners[s]] != nil {
			r.own(ShardID(s), cfg.Owners[s])
			r.put(dirAssignments, ShardID(s).String(), &clusterv1.Assignment{Node: string(cfg.Owners[s])})
		}
	}
	return r, nil
}

// Count says that a shard is asked for something now.
func (r *Rehearsal) Count(s ShardID, commands uint64) { r.counts[s].Commands += commands }

// Size says what a shard holds from now on.
func (r *Rehearsal) Size(s ShardID, actors, bytes uint64) {
	r.counts[s].Actors, r.counts[s].Bytes = actors, bytes
}

// Owner returns who serves a shard, or "".
func (r *Rehearsal) Owner(s ShardID) NodeName { return r.snap.routes.Owner(s).Node }

// Now is how far the cluster's time has come.
func (r *Rehearsal) Now() time.Time { return r.now }

// Propose is View.Propose.
func (r *Rehearsal) Propose() Proposal { return r.snap.propose(r.now, &r.last) }

// Rebalance is View.Rebalance, with DefaultMaxMoving.
func (r *Rehearsal) Rebalance() Proposal {
	p := r.Propose()
	if len(p.Moves) > 0 && p.Job == "" {
		job := newRebalance(WhyOperator, p.Moves, DefaultMaxMoving, r.now)
		p.Job = job.GetId()
		r.put(keyRebalance, "", job)
	}
	return p
}

// Advance lets time pass, and returns which shards came to another node meanwhile,
// in that order.
func (r *Rehearsal) Advance(to time.Time) []RehearsedMove {
	for !r.now.Add(rehearsalTick).After(to) {
		before := r.now.Sub(r.cfg.Start)
		r.now = r.now.Add(rehearsalTick)
		since := r.now.Sub(r.cfg.Start)
		r.arrive()
		if since/LoadPeriod != before/LoadPeriod {
			r.report()
		}
		// As RunPlanner does: at every change but of loads, and now and then.
		if r.snap.next != r.seen || since/planPace != before/planPace {
			r.seen = r.snap.next
			r.plan()
		}
	}
	moves := r.moves
	r.moves = nil
	return moves
}

// OnItsWay says whether a shard will be with another node at at.
func (r *Rehearsal) OnItsWay(s ShardID) (at time.Time, ok bool) {
	d, ok := r.due[s]
	return d.At, ok
}

// arrive lets shards come to where they are assigned.
func (r *Rehearsal) arrive() {
	for s, row := range r.snap.assignments.rows {
		s := ShardID(s)
		from := r.Owner(s)
		if row.node == "" || r.nodes[row.node] == nil || row.node == from {
			delete(r.due, s)
			continue
		}
		d, ok := r.due[s]
		if !ok || d.to != row.node {
			d = rehearsedArrival{to: row.node, RehearsedMove: RehearsedMove{
				PlannedMove: PlannedMove{Shard: s, From: from, To: row.node, Weight: r.snap.weights.complete()[s], Why: row.why},
				Told:        r.now, At: r.now.Add(r.cfg.Takes(s, from, row.node)),
			}}
			r.due[s] = d
		}
		if r.now.Before(d.At) {
			continue
		}
		delete(r.due, s)
		r.counts[s].Commands = 0
		r.own(s, row.node)
		r.moves = append(r.moves, d.RehearsedMove)
	}
}

// report has every node say what was counted for it.
func (r *Rehearsal) report() {
	for _, n := range slices.Sorted(maps.Keys(r.nodes)) {
		var counts []ShardCount
		for s := range r.counts {
			if r.Owner(ShardID(s)) == n {
				counts = append(counts, r.counts[s])
			}
		}
		load := NodeLoad{Node: n, Incarnation: rehearsed(n), At: r.now, Shards: r.nodes[n].Observe(r.now, counts)}
		r.put(dirLoads, string(n), load.proto())
	}
}

// plan lets the planner look, and does what it says.
func (r *Rehearsal) plan() {
	e := r.mind.step(r.now, r.snap)
	for _, a := range e.assign {
		pinned := r.snap.assignments.rows[a.shard].pinned
		r.put(dirAssignments, a.shard.String(), &clusterv1.Assignment{Node: string(a.node), Pinned: string(pinned), Why: a.why})
	}
	if e.job != nil {
		r.put(keyRebalance, "", e.job)
	}
	if e.weights != nil {
		r.put(keyWeights, "", e.weights)
	}
}

func (r *Rehearsal) own(s ShardID, n NodeName) {
	r.epoch++
	r.put(dirOwners, s.String(), &clusterv1.Owner{Node: string(n), Incarnation: string(rehearsed(n)), Epoch: r.epoch})
}

// rehearsed is the only life of a node.
func rehearsed(n NodeName) Incarnation { return Incarnation(n) + "-1" }

// put is a key that somebody has written, and everybody has heard of.
func (r *Rehearsal) put(dir, name string, m proto.Message) {
	rev := r.snap.rev + 1
	r.snap = r.snap.apply(rev, map[string][]change{dir: {{name: name, value: []byte(encode(m)), rev: rev}}}, slog.New(slog.DiscardHandler))
}
