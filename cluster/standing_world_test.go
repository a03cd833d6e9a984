package cluster

import (
	"fmt"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// planWorld is a cluster as its coordinator sees it, in simulated time: nodes
// that serve shards under a load with noise, report it, move what they are told
// to, and die; and the planner, whose edicts now and then get lost.
type planWorld struct {
	*rand.Rand
	now      time.Time
	snap     *snapshot
	lastWord lastWord
	mind     *standing
	meter    map[NodeName]*Meter
	count    []uint64
	rate     []float64 // commands/s of each shard, as it is
	// noise is by how much the load of a node is off for LoadPeriod.
	noise float64
	off   map[NodeName]float64
	lossy bool
	// slow says for how long a shard is on its way to a node.
	slow func(s ShardID, to NodeName) time.Duration
	due  map[ShardID]arrival

	changes int // of assignments, since the test last set it to 0
	most    int // shards on their way between live nodes, since then
	epoch   uint64
	seen    chan struct{} // of the snapshot that the planner has looked at
}

type arrival struct {
	to NodeName
	at time.Time
}

const (
	worldTick = 200 * time.Millisecond
	// Of each shard.
	worldActors = 400
	worldBytes  = 200 << 10
)

func newPlanWorld(r *rand.Rand, shards int, nodes ...NodeName) *planWorld {
	w := &planWorld{
		Rand: r, now: time.Unix(1e9, 0), snap: emptySnapshot(shards), mind: new(standing),
		meter: make(map[NodeName]*Meter), count: make([]uint64, shards), rate: make([]float64, shards),
		noise: 0.1, off: make(map[NodeName]float64), due: make(map[ShardID]arrival),
	}
	w.slow = func(ShardID, NodeName) time.Duration { return time.Duration(50+w.IntN(400)) * time.Millisecond }
	for _, n := range nodes {
		w.join(n)
	}
	return w
}

func (w *planWorld) put(dir, name string, m proto.Message) {
	w.snap = w.snap.apply(w.snap.rev+1, map[string][]change{dir: {{name: name, value: []byte(encode(m)), rev: w.snap.rev + 1}}}, slog.Default())
}

func (w *planWorld) del(dir, name string) {
	w.snap = w.snap.apply(w.snap.rev+1, map[string][]change{dir: {{name: name, rev: w.snap.rev + 1, deleted: true}}}, slog.Default())
}

func (w *planWorld) join(n NodeName) {
	w.meter[n] = new(Meter)
	w.put(dirNodes, string(n), &clusterv1.Node{Name: string(n), Roles: []string{RoleShard}, State: clusterv1.NodeState_NODE_STATE_UP})
}

func (w *planWorld) shutDown(n NodeName) {
	w.put(dirNodes, string(n), &clusterv1.Node{Name: string(n), Roles: []string{RoleShard}, State: clusterv1.NodeState_NODE_STATE_DRAINING})
}

func (w *planWorld) die(n NodeName) {
	delete(w.meter, n)
	w.del(dirNodes, string(n))
	w.del(dirLoads, string(n))
	for s := range w.rate {
		if w.snap.routes.Owner(ShardID(s)).Node == n {
			w.del(dirOwners, ShardID(s).String())
		}
	}
}

// assign is what View.Assign does.
func (w *planWorld) assign(s ShardID, n NodeName) {
	w.put(dirAssignments, s.String(), &clusterv1.Assignment{Node: string(n), Pinned: string(w.snap.assignments.Pinned(s)), Why: WhyOperator})
}

func (w *planWorld) pin(s ShardID, n NodeName) {
	w.put(dirAssignments, s.String(), &clusterv1.Assignment{Node: string(w.snap.assignments.Node(s)), Pinned: string(n)})
}

func (w *planWorld) propose() Proposal { return w.snap.propose(w.now, &w.lastWord) }

// rebalance is what View.Rebalance does.
func (w *planWorld) rebalance() Proposal {
	p := w.propose()
	if len(p.Moves) > 0 && p.Job == "" {
		w.put(keyRebalance, "", newRebalance("operator", p.Moves, DefaultMaxMoving, w.now))
	}
	return p
}

// run lets time pass.
func (w *planWorld) run(d time.Duration) {
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(worldTick)
		for s, rate := range w.rate {
			if owner := w.snap.routes.Owner(ShardID(s)); owner.Owned() {
				w.count[s] += w.poisson(rate * (1 + w.off[owner.Node]) * worldTick.Seconds())
			}
		}
		w.arrive()
		since := w.now.Sub(time.Unix(1e9, 0))
		if since%LoadPeriod == 0 {
			w.report()
		}
		// As RunPlanner does: at every change but of loads, and now and then.
		if w.snap.next != w.seen || since%planPace == 0 {
			w.seen = w.snap.next
			w.think()
		}
	}
}

// poisson is close enough to a number of that mean.
func (w *planWorld) poisson(mean float64) uint64 {
	return uint64(max(0, math.Round(mean+w.NormFloat64()*math.Sqrt(mean))))
}

// arrive lets shards come to where they are assigned.
func (w *planWorld) arrive() {
	between := 0
	for s, row := range w.snap.assignments.rows {
		s := ShardID(s)
		owner := w.snap.routes.Owner(s)
		if row.node == "" || w.meter[row.node] == nil || row.node == owner.Node {
			delete(w.due, s)
			continue
		}
		if owner.Owned() {
			between++
		}
		if w.due[s].to != row.node {
			w.due[s] = arrival{row.node, w.now.Add(w.slow(s, row.node))}
		}
		if !w.now.Before(w.due[s].at) {
			delete(w.due, s)
			w.epoch++
			w.count[s] = 0
			w.put(dirOwners, s.String(), &clusterv1.Owner{Node: string(row.node), Incarnation: string(row.node) + "-1", Epoch: w.epoch})
		}
	}
	w.most = max(w.most, between)
}

// report has every node say what it has counted.
func (w *planWorld) report() {
	for _, n := range slices.Sorted(maps.Keys(w.meter)) {
		var counts []ShardCount
		for s := range w.rate {
			if w.snap.routes.Owner(ShardID(s)).Node == n {
				counts = append(counts, ShardCount{Shard: ShardID(s), Commands: w.count[s], Actors: worldActors, Bytes: worldBytes})
			}
		}
		load := NodeLoad{Node: n, At: w.now, Shards: w.meter[n].Observe(w.now, counts)}
		w.off[n] = w.noise * (2*w.Float64() - 1)
		w.snap = w.snap.withLoad(load)
	}
}

// withLoad is what comes of PutLoad, without the JSON, which would take most of a
// test's time.
func (s *snapshot) withLoad(load NodeLoad) *snapshot {
	next := *s
	next.rev++
	next.loads = s.loads.apply(nil, slog.Default())
	next.loads.nodes[load.Node] = reported{nodeLoadOf(load.proto()), next.rev}
	next.loads.index()
	return &next
}

// think lets the planner look and write.
func (w *planWorld) think() {
	e := w.mind.step(w.now, w.snap)
	if w.lossy && w.IntN(4) == 0 {
		return
	}
	for _, a := range e.assign {
		row := w.snap.assignments.rows[a.shard]
		w.put(dirAssignments, a.shard.String(), &clusterv1.Assignment{Node: string(a.node), Pinned: string(row.pinned), Why: a.why})
		if row.node != a.node {
			w.changes++
		}
	}
	if e.job != nil {
		w.put(keyRebalance, "", e.job)
	}
	if e.weights != nil {
		w.put(keyWeights, "", e.weights)
	}
}

// settle runs until nothing is on its way and no rebalance goes on, and fails if
// that takes more than a patience.
func (w *planWorld) settle(patience time.Duration) error {
	for end := w.now.Add(patience); ; {
		w.run(time.Second)
		busy := w.snap.job.running()
		for s, row := range w.snap.assignments.rows {
			busy = busy || row.node == "" || row.node != w.snap.routes.Owner(ShardID(s)).Node
		}
		if !busy {
			return nil
		}
		if w.now.After(end) {
			return fmt.Errorf("not settled after %v: rebalance %v, owners %v", patience, w.snap.job.value, w.owners())
		}
	}
}

func (w *planWorld) owners() map[NodeName]int {
	out := make(map[NodeName]int)
	for s := range w.rate {
		out[w.snap.routes.Owner(ShardID(s)).Node]++
	}
	return out
}

// weight is what a shard weighs if it is measured without any noise.
func (w *planWorld) weight(s int) float64 {
	return ShardLoad{Commands: w.rate[s], Actors: worldActors, Bytes: worldBytes}.weight()
}

// uneven says by how much the node that is furthest off an even share of the
// true weight is off, for a world without heavy shards.
func (w *planWorld) uneven() float64 {
	load, total := make(map[NodeName]float64), 0.0
	for s := range w.rate {
		load[w.snap.routes.Owner(ShardID(s)).Node] += w.weight(s)
		total += w.weight(s)
	}
	nodes := w.snap.eligible()
	worst, mean := 0.0, total/float64(len(nodes))
	for _, n := range nodes {
		worst = max(worst, math.Abs(load[n]-mean)/mean)
	}
	return worst
}

func (w *planWorld) drain(n NodeName) {
	w.put(dirDrained, string(n), &clusterv1.Drained{Since: timestamppb.New(w.now)})
}
