package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// checkpoints takes checkpoints of one shard after the other.
func (l *life) checkpoints() {
	every := l.w.weather.checkpointEvery
	for {
		l.rest(l.within(time.Hour), l.w.between(every/8, every/2))
		var oldest *hosted
		for _, h := range l.shards {
			if h != nil && !h.moving && (oldest == nil || h.at < oldest.at) {
				oldest = h
			}
		}
		if oldest != nil && l.p.mono()-oldest.at > every/2 {
			l.checkpoint(oldest)
		}
	}
}

// checkpoint writes a shard's state while its actors go on, and publishes it
// once the log is durable past the end of the walk.
func (l *life) checkpoint(h *hosted) {
	w := l.w
	h.at = l.p.mono()
	from := l.log.seq + 1
	w.named++
	o := &object{name: fmt.Sprintf("cp%d", w.named), shard: h.id, epoch: h.hold.Epoch}
	var hash uint64
	for i, a := range slices.Clone(h.people.order) {
		if i%3 == 2 { // a few at a time, between turns
			l.rest(l.within(time.Hour), w.upTo(w.weather.linger))
			if l.shards[h.id] != h && !h.moving {
				return
			}
		}
		if a.seq > 0 {
			saved := a.save()
			hash += saved.Hash()
			o.actors = append(o.actors, saved)
		}
	}
	if _, ok := l.ask(w.logsAt(), time.Second, func(reply func(any)) { w.objects[o.name] = o; reply(nil) }); !ok {
		return
	}
	if !l.log.wait(l.log.end, 2*time.Second) {
		return
	}
	log := string(l.log.stream.name)
	cp := &clusterv1.Checkpoint{
		Parts:     []*clusterv1.Part{{Object: o.name}},
		From:      &clusterv1.Position{Log: log, Seq: uint64(from)},
		Through:   &clusterv1.Position{Log: log, Seq: uint64(l.log.seq)},
		StateHash: hash, Actors: uint64(len(o.actors)), Epoch: uint64(h.hold.Epoch),
	}
	h.txn.take(w)
	dropped, err := l.member.PutCheckpoint(l.within(w.between(100*time.Millisecond, 2*time.Second)), h.hold, cp)
	h.txn.leave()
	w.note(l.inc, "checkpoints shard %d as %s from %d through %d: %v", h.id, o.name, from, cp.GetThrough().GetSeq(), err)
	if err == nil {
		w.counts.Checkpoints++
	}
	for _, name := range dropped {
		w.send(l.p.at, w.logsAt(), func() { w.forget(name) })
	}
}

// forget deletes an object.
func (w *World) forget(name string) {
	if w.objects[name] != nil {
		delete(w.objects, name)
		w.note("store", "deletes %s", name)
		w.history.checkAll("the end of " + name)
	}
}

// janitor removes what no shard's record names any more.
func (l *life) janitor() {
	orphans := make(map[cluster.LogName]int)
	for {
		l.rest(l.within(time.Hour), l.w.between(l.w.weather.purgeEvery/2, l.w.weather.purgeEvery))
		l.purge()
		if l.w.chance(l.w.weather.sweep) {
			l.sweep(orphans)
		}
	}
}

// purge drops the own log's entries below the smallest that any shard names.
func (l *life) purge() {
	l.purging.take(l.w)
	defer l.purging.leave()
	low, named, err := l.lowest()
	if err != nil || !named {
		return
	}
	s := l.log.stream
	low = min(low, l.log.seq)
	l.ask(l.w.logsAt(), time.Second, func(reply func(any)) { s.purge(low); reply(nil) })
}

func (l *life) lowest() (cluster.LogSeq, bool, error) {
	ctx := l.within(time.Second)
	if !l.w.bug.is(purgeOwnOnly) {
		return l.member.LowestFrom(ctx, l.log.stream.name)
	}
	all, err := l.member.View.AllShards(ctx)
	if err != nil {
		return 0, false, err
	}
	low, named := l.log.seq, false
	for s, h := range l.shards {
		if h == nil {
			continue
		}
		named = true
		rec := all[cluster.ShardID(s)]
		for _, seg := range rec.GetSegments() {
			if seg.GetLog() == string(l.log.stream.name) {
				low = min(low, cluster.LogSeq(seg.GetFrom()))
			}
		}
	}
	return low, named, nil
}

// orphanSweeps is how many sweeps in a row must find a log without an owner.
const orphanSweeps = 3

// sweep removes logs that no shard names and whose incarnation is gone. They are
// sealed first: their writer may only be asleep.
func (l *life) sweep(orphans map[cluster.LogName]int) {
	w := l.w
	a, ok := l.ask(w.logsAt(), time.Second, func(reply func(any)) {
		var names []cluster.LogName
		for _, s := range w.byAge {
			if !s.gone {
				names = append(names, s.name)
			}
		}
		reply(names)
	})
	if !ok {
		return
	}
	// Read after the list, and from etcd: the view may be late.
	alive, err := l.member.View.Alive(l.within(time.Second))
	if err != nil {
		return
	}
	for _, name := range a.([]cluster.LogName) {
		s := w.logs[name]
		lives := s != nil && alive[s.by]
		if w.bug.is(sweepByView) {
			lives = s != nil && l.sees(s.by)
		}
		if s == nil || s.by == l.inc || lives {
			delete(orphans, name)
			continue
		}
		_, named, err := l.member.LowestFrom(l.within(time.Second), name)
		if err != nil {
			return
		}
		if named {
			delete(orphans, name)
			continue
		}
		if orphans[name]++; orphans[name] < orphanSweeps {
			continue
		}
		if _, err := l.seal(name); err != nil {
			return
		}
		l.ask(w.logsAt(), time.Second, func(reply func(any)) {
			if !s.gone {
				w.counts.Swept++
				s.remove()
			}
			reply(nil)
		})
	}
}
