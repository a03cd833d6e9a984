package cluster

import (
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// The pace of the planner.
const (
	// planPace is how often it looks even when nothing seems to have changed.
	planPace = time.Second

	// roundPause is how long nothing must have moved, and the nodes be the same,
	// before the planner moves load by itself; and uneven for how long it must
	// have been worth it.
	roundPause = 30 * time.Second
	unevenFor  = 10 * time.Second
	// newcomerPause takes their place when a node has no shard at all. It is
	// for nodes that start together.
	newcomerPause = time.Second

	// weightsPace and jobPace bound how often the weights and the progress of a
	// rebalance are written.
	weightsPace = 2 * time.Second
	jobPace     = time.Second
)

// standing is the planner without any I/O: what one coordinator remembers from
// look to look. What must outlive it stands in etcd. The zero value is ready.
type standing struct {
	moving  map[ShardID]moving
	refused map[ShardID]refusal

	changed  int64 // revision of the last change of routes or assignments
	nodes    []NodeName
	quiet    time.Time // since when neither has changed
	lopsided time.Time // since when it is worth moving load; zero: it is not
	weighed  time.Time // when the weights were written
	noted    time.Time // when the progress of a rebalance was written
}

// edict is what the coordinator should write.
type edict struct {
	assign  []newAssignment
	weights *clusterv1.Weights   // nil for no change
	job     *clusterv1.Rebalance // likewise
}

type newAssignment struct {
	shard ShardID
	node  NodeName
	why   string
}

// mustOnly is a tolerance beyond everything: only what must move does.
const mustOnly = math.MaxFloat64

// step looks at the cluster. Whatever of the edict does not get written, because
// etcd does not answer or somebody wrote first, follows from the next look
// again.
func (p *standing) step(now time.Time, snap *snapshot) edict {
	nodes := snap.eligible()
	p.watch(now, snap, nodes)
	var e edict
	if len(nodes) == 0 {
		return e
	}
	e.weights = p.weigh(now, snap, len(nodes))

	job := snap.job.value
	if snap.job.running() {
		job = p.review(now, snap, nodes)
	}
	in := p.input(snap, nodes, job)
	in.Begin = mustOnly
	e.assign = p.assign(now, snap, in, job)
	switch {
	case !snap.job.running():
		if len(e.assign) == 0 && p.onTheirWay(now) == 0 {
			e.job = p.round(now, snap, nodes)
		}
	case proto.Equal(job, snap.job.value):
	case job.GetFinished() != nil || now.Sub(p.noted) >= jobPace:
		e.job, p.noted = job, now
	}
	return e
}

// round returns a rebalance that the planner begins by itself, or nil.
func (p *standing) round(now time.Time, snap *snapshot, nodes []NodeName) *clusterv1.Rebalance {
	in := p.input(snap, nodes, nil)
	in.Begin = standingTolerance
	plan := Propose(in)
	if len(plan.Moves) == 0 {
		p.lopsided = time.Time{}
		return nil
	}
	if p.lopsided.IsZero() {
		p.lopsided = now
	}
	newcomer := slices.ContainsFunc(nodes, func(n NodeName) bool { return plan.Before[n] == 0 })
	if newcomer && now.Sub(p.quiet) < newcomerPause {
		return nil
	}
	if !newcomer && (now.Sub(p.quiet) < roundPause || now.Sub(p.lopsided) < unevenFor) {
		return nil
	}
	return newRebalance("planner", plan.Moves, DefaultMaxMoving, now)
}

// weigh returns the weights to be written, or nil.
func (p *standing) weigh(now time.Time, snap *snapshot, nodes int) *clusterv1.Weights {
	if now.Sub(p.weighed) < weightsPace {
		return nil
	}
	measured, at := snap.weights.measured(snap.loads), make([]NodeName, len(snap.routes.routes))
	for s, r := range snap.routes.routes {
		at[s] = r.Node
	}
	if !snap.weights.stale(measured, at, nodes) {
		return nil
	}
	p.weighed = now
	return weightsProto(measured, now)
}

// input is the snapshot's, and what this coordinator remembers. A shard that has
// been on its way for too long is where it was.
func (p *standing) input(snap *snapshot, nodes []NodeName, job *clusterv1.Rebalance) PlanInput {
	in := snap.input(nodes, job)
	for _, n := range nodes {
		if !p.shunned(n) {
			continue
		}
		for s := range in.Shards {
			in.Shards[s].Not = n
		}
	}
	for s, r := range p.refused {
		row, owner := &in.Shards[s], snap.routes.Owner(s).Node
		row.Not = r.node
		if row.Node == r.node && owner != r.node {
			row.Node = owner
		}
		if row.Pinned == r.node && owner != r.node {
			row.Pinned = ""
		}
	}
	return in
}
