package sim

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/etcdmodel"
)

// carrier takes calls of one life to etcd and their answers back.
type carrier struct{ l *life }

// Carry implements etcdmodel.Carrier.
func (c carrier) Carry(ctx context.Context, call *etcdmodel.Call) (etcdmodel.Answer, error) {
	w := c.l.w
	if w.bug != nil && w.bug.call != nil {
		w.bug.call(c.l, call)
	}
	patience := left(ctx)
	if !w.calm && len(call.Puts()) > 0 && w.chance(w.weather.ambush) {
		// Of all moments, the worst: what a transaction led to is not heard.
		until := w.now + w.upTo(2*w.weather.ttl)
		w.note("network", "cut from etcd to %s for %v", c.l.inc, until-w.now)
		w.net.cut[w.etcdAt()][c.l.p.at] = max(w.net.cut[w.etcdAt()][c.l.p.at], until)
	}
	if !w.calm && w.chance(0.5) { // a broken connection is noticed at once, or by and by
		patience = min(patience, w.between(patience/8, patience))
	}
	a, ok := c.l.ask(w.etcdAt(), patience, func(reply func(any)) { reply(call.Serve()) })
	if !ok {
		return etcdmodel.Answer{}, etcdmodel.ErrNoAnswer
	}
	return a.(etcdmodel.Answer), nil
}

// expirePace is how often etcd looks for leases that have run out: it ends them
// up to that much late.
const expirePace = 500 * time.Millisecond

func (w *World) expireLeases() {
	w.etcd.Expire(w.now)
	w.after(expirePace, w.expireLeases)
}

// watch is somebody who follows what etcd writes.
type watch struct {
	view  *cluster.Watched
	at    endpoint
	told  func()
	going bool // a delivery is planned
	over  bool
}

// watch has a view be told what changes, from what it knows now on.
func (w *World) watch(v *cluster.Watched, at endpoint, told func()) {
	x := &watch{view: v, at: at, told: told}
	w.watches = append(w.watches, x)
	w.rouse(x)
}

func (w *World) unwatch(v *cluster.Watched) {
	w.watches = slices.DeleteFunc(w.watches, func(x *watch) bool {
		x.over = x.over || x.view == v
		return x.view == v
	})
}

// rouse plans a delivery.
func (w *World) rouse(x *watch) {
	if x.going {
		return
	}
	x.going = true
	delay := w.latency()
	late := w.weather.lateWatch
	if x.at >= w.gatewayAt(0) {
		late = w.weather.lateRoutes
	}
	if !w.calm && w.chance(late) {
		delay += w.upTo(2 * w.weather.ttl)
	}
	delay = max(delay, w.net.cut[w.etcdAt()][x.at]-w.now)
	var on *process
	if int(x.at) < len(w.nodes) {
		on = w.nodes[x.at]
	}
	w.order++
	w.queue.push(event{at: w.now + delay, order: w.order, on: on, fn: func() { w.deliver(x) }})
}

// deliver brings a view up to date. When what it needs was compacted away it
// gets a list instead, as View does.
func (w *World) deliver(x *watch) {
	x.going = false
	if x.over {
		return
	}
	if w.net.cut[w.etcdAt()][x.at] > w.now {
		w.rouse(x)
		return
	}
	events, ok := w.etcd.Since(x.view.Revision())
	if !ok {
		w.counts.Relists++
		x.view.Replace(w.etcd.Revision(), changesOf(w.etcd.All()))
	}
	x.view.Deliver(changesOf(events))
	x.told()
}

func changesOf(events []etcdmodel.Event) []cluster.KeyChange {
	changes := make([]cluster.KeyChange, len(events))
	for i, e := range events {
		changes[i] = cluster.KeyChange{Key: e.Key, Value: e.Value, Rev: e.Rev, Deleted: e.Deleted}
	}
	return changes
}

// changed is called with every change of etcd.
func (w *World) changed(events []etcdmodel.Event) {
	if w.trace != nil {
		for _, e := range events {
			if e.Deleted {
				w.note("etcd", "%d: deletes %s", e.Rev, e.Key)
			} else {
				w.note("etcd", "%d: %s = %s", e.Rev, e.Key, e.Value)
			}
		}
	}
	w.history.changed(events)
	for _, e := range events {
		if e.Deleted && strings.Contains(e.Key, "/nodes/") {
			w.after(w.latency(), w.replace)
		}
	}
	for _, x := range w.watches {
		w.rouse(x)
	}
}

// create makes a log, unless a copy of the question has done so.
func (w *World) create(name cluster.LogName, by cluster.Incarnation) {
	if w.logs[name] == nil {
		s := &stream{w: w, name: name, by: by}
		w.logs[name], w.byAge = s, append(w.byAge, s)
	}
}

// object is a checkpoint in the store.
type object struct {
	name   string
	shard  cluster.ShardID
	epoch  cluster.Epoch
	actors []savedActor
}
