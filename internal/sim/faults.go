package sim

import (
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// disturb does something bad, and plans the next.
func (w *World) disturb() {
	if w.calm {
		return
	}
	w.after(time.Duration(float64(w.weather.faults)*-math.Log(1-w.rnd.Float64())), w.disturb)
	p, ttl := pick(w, w.nodes), w.weather.ttl
	switch n := w.rnd.IntN(100); {
	case n < 13: // shorter and longer than the lease
		p.pause(w.upTo(ttl*time.Duration(1+w.rnd.IntN(3))), w.rnd.IntN(3) == 0)
	case n < 20:
		p.crash(w.upTo(2 * ttl))
	case n < 40:
		a := p.at
		if w.rnd.IntN(4) == 0 {
			a = w.gatewayAt(w.rnd.IntN(gateways))
		}
		w.cut(a)
	case n < 45:
		w.note("etcd", "elects a leader")
		w.etcd.Elect(w.now)
	case n < 52:
		if len(w.byAge) > 0 {
			s := pick(w, w.byAge)
			w.note(s.name, "elects a leader")
			s.elect()
		}
	case n < 58:
		rev := w.etcd.Revision() - w.rnd.Int64N(5)
		w.note("etcd", "is compacted at %d", rev)
		w.etcd.CompactTo(rev)
	case n < 63:
		p.set(time.Duration(w.rnd.Int64N(int64(10*time.Second))) - 5*time.Second)
		if w.rnd.IntN(2) == 0 { // so that the lease is over, and one clock says that it is not
			p.pause(ttl+w.upTo(ttl), false)
		}
	case n < 67:
		if l := p.life; l != nil && l.log != nil && !l.draining {
			l.run(l.drain)
		}
	case n < 72:
		for _, s := range w.byAge { // the disk is slow
			s.busy = max(s.busy, w.now) + w.upTo(time.Second)
		}
	default:
		w.assign(cluster.ShardID(w.rnd.IntN(w.weather.shards)))
	}
}

// cut breaks the connection between a node and another place, in one direction
// or both.
func (w *World) cut(a endpoint) {
	b := endpoint(w.rnd.IntN(int(w.endpoints())))
	until := w.now + w.upTo(2*w.weather.ttl)
	way := w.rnd.IntN(3)
	if way != 1 {
		w.net.cut[a][b] = max(w.net.cut[a][b], until)
	}
	if way != 2 {
		w.net.cut[b][a] = max(w.net.cut[b][a], until)
	}
	w.note("network", "cut between %d and %d, way %d, for %v", a, b, way, until-w.now)
	w.after(until-w.now, func() { w.healed(a) })
}

// healed tells the node's committer that its connection is back.
func (w *World) healed(a endpoint) {
	if int(a) < len(w.nodes) {
		if l := w.nodes[a].life; l != nil && l.log != nil {
			l.soon(l.log.reconnected)
		}
	}
}

// planPace is how often shards without a living owner are assigned anew.
const planPace = 500 * time.Millisecond

// plan is the planner.
func (w *World) plan() {
	w.after(planPace, w.plan)
	if !w.calm && w.chance(w.weather.moves) {
		w.assign(cluster.ShardID(w.rnd.IntN(w.weather.shards)))
	}
	w.replace()
}

// replace gives shards of nodes that are gone to others.
func (w *World) replace() {
	for s := range w.weather.shards {
		if node := w.assigned(cluster.ShardID(s)); node == "" || !w.listed(node) {
			w.assign(cluster.ShardID(s))
		}
	}
}

// replan has every shard of a node moved elsewhere.
func (w *World) replan(from cluster.NodeName) {
	for s := range w.weather.shards {
		if w.assigned(cluster.ShardID(s)) == from {
			w.assign(cluster.ShardID(s))
		}
	}
}

// listed says whether a node is a member.
func (w *World) listed(n cluster.NodeName) bool {
	_, ok := w.etcd.Get(cluster.SimulatedPrefix + "/nodes/" + string(n))
	return ok
}

func (w *World) assignment(s cluster.ShardID) string {
	return cluster.SimulatedPrefix + "/assignments/" + s.String()
}

func (w *World) assigned(s cluster.ShardID) cluster.NodeName {
	b, ok := w.etcd.Get(w.assignment(s))
	if !ok {
		return ""
	}
	var a clusterv1.Assignment
	if err := protojson.Unmarshal(b, &a); err != nil {
		panic(err)
	}
	return cluster.NodeName(a.GetNode())
}

// assign gives a shard to any node that lives.
func (w *World) assign(s cluster.ShardID) {
	var live []cluster.NodeName
	for _, p := range w.nodes {
		if w.listed(p.name) && (p.life == nil || !p.life.draining) {
			live = append(live, p.name)
		}
	}
	if len(live) == 0 {
		return
	}
	b, err := protojson.Marshal(&clusterv1.Assignment{Node: string(pick(w, live))})
	if err != nil {
		panic(err)
	}
	w.etcd.Write(w.assignment(s), b)
}
