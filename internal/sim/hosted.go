package sim

import (
	"errors"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// hosted is a shard that a node serves: package shard's, in miniature.
type hosted struct {
	l      *life
	id     cluster.ShardID
	hold   *cluster.Holding
	people *people
	frozen bool
	moving bool
	// txn is held for each of the holding's transactions.
	txn lock
	// reference is the current checkpoint, and at when it was taken.
	at time.Duration

	decision actors.Decision
}

// people are the actors of a shard.
type people struct {
	all   map[actors.Ref]*resident
	order []*resident
}

func newPeople() *people { return &people{all: make(map[actors.Ref]*resident)} }

// resident is an actor in memory.
type resident struct {
	ref       actors.Ref
	kind      actors.Kind
	behaviour actors.Behaviour
	seq       uint64
	digest    uint64 // of its events so far
	timer     *timer
	armed     time.Time
}

// wake returns an actor, a new one if it was never addressed.
func (p *people) wake(w *World, ref actors.Ref) *resident {
	if a := p.all[ref]; a != nil {
		return a
	}
	kind, ok := w.shop.kinds.Kind(ref.Kind)
	if !ok {
		panic(fmt.Sprintf("sim: no kind %s", ref.Kind))
	}
	a := &resident{ref: ref, kind: kind, behaviour: kind.New(ref.ID)}
	p.all[ref] = a
	p.order = append(p.order, a)
	return a
}

// command is what a client or operator wants.
func (l *life) command(c *cluster.Command) {
	h := l.shards[c.Shard]
	switch {
	case h != nil:
		h.command(c)
	case l.lots[c.Shard] != nil:
		l.lots[c.Shard].park(parked{command: c})
	default:
		l.redirect(c)
	}
}

// redirect says that the shard is not served here, and who serves it. Nothing was
// decided, so it goes at once.
func (l *life) redirect(c *cluster.Command) {
	a := &cluster.Answer{Call: c.Call, NotOwner: true}
	if owner := l.owner(c.Shard); owner.Incarnation != l.inc {
		a.Owner = owner
	}
	l.w.send(l.p.at, l.w.shop.comesBy(c), func() { l.w.shop.answered(a) })
}

// owner is who owns a shard as far as this node knows.
func (l *life) owner(s cluster.ShardID) cluster.Route {
	owner := l.member.View.Routes().Owner(s)
	if next := l.successors[s]; next.Epoch > owner.Epoch {
		return next
	}
	return owner
}

// letter is what one actor says to another.
type letter struct {
	cluster.Message
	// stamp is how far the log went when it was written on this node; 0: it came
	// from another.
	stamp uint64
}

// message takes a letter to its actor.
func (l *life) message(m *letter) {
	if h := l.shards[m.Shard]; h != nil {
		h.hear(m)
	} else if t := l.lots[m.Shard]; t != nil {
		t.park(parked{message: m})
	} else if next := l.successors[m.Shard]; next.Epoch > 0 && l.member.View.Routes().Owner(m.Shard).Epoch <= next.Epoch {
		l.passOn(m, next.Address)
	}
}

// passOn sends a letter on to the node that this one has handed its shard to.
func (l *life) passOn(m *letter, to cluster.Address) {
	leave := func() {
		l.w.history.left(l, m)
		l.w.tell(l.p.at, to, func(o *life) { o.message(&letter{Message: m.Message}) })
	}
	if l.w.bug.is(forwardPastOutbox) {
		leave()
		return
	}
	l.outbox.put(m.Shard, 0, leave)
}

func (h *hosted) command(c *cluster.Command) {
	a := h.people.wake(h.l.w, actors.Ref(c.To))
	m, ok := a.kind.Methods[c.Method]
	caller := actors.Caller{Player: actors.PlayerID(c.Caller.Player), Admin: c.Caller.Admin}
	if !ok || !m.Allow(caller, a.ref) {
		panic(fmt.Sprintf("sim: %s.%s may not be called by %v", a.ref, c.Method, caller))
	}
	h.turn(a, &actors.Message{Self: a.ref, Method: c.Method, Caller: caller, Request: c.Request, Body: c.Body, ReplyTo: c})
}

func (h *hosted) hear(m *letter) {
	a := h.people.wake(h.l.w, actors.Ref(m.To))
	h.turn(a, &actors.Message{Self: a.ref, From: actors.Ref(m.From), Body: m.Body})
}

// turn lets an actor answer a message, in the order of package shard: decide,
// encode, apply, append, and only then hand on.
func (h *hosted) turn(a *resident, msg *actors.Message) {
	w := h.l.w
	w.counts.Turns++
	if w.trace != nil {
		w.note(h.l.inc, "%s takes %s from %s: %T %v", a.ref, msg.Method, msg.From, msg.Body, msg.Body)
	}
	d := &h.decision
	d.Reset()
	if err := a.behaviour.Decide(&actors.Env{Now: h.l.p.wall(), Local: h.l.hosts}, msg, d); err != nil {
		h.refused(msg, err)
		return
	}
	records := h.encode(a, d.Events)
	if w.bug.is(appendFirst) && len(records) > 0 {
		h.l.log.append(records)
	}
	for i, e := range d.Events {
		if err := apply(a.behaviour, e); err != nil {
			h.fail(a, msg, err)
			return
		}
		a.seq, a.digest = records[i].Seq, records[i].digest
	}
	if v, ok := a.behaviour.(actors.Volatile); ok && d.Volatile != nil {
		v.ApplyVolatile(d.Volatile)
	}
	if !w.bug.is(appendFirst) && len(records) > 0 {
		h.l.log.append(records)
	}
	h.emit(a, d)
	h.arm(a)
}

func (h *hosted) encode(a *resident, events []proto.Message) []record {
	if len(events) == 0 {
		return nil
	}
	records := make([]record, len(events))
	digest := a.digest
	for i, e := range events {
		b, err := proto.Marshal(e)
		if err != nil {
			panic(err)
		}
		r := &records[i]
		r.Record = journal.Record{
			Shard: h.id, Epoch: h.hold.Epoch, Kind: a.ref.Kind, ID: a.ref.ID, Seq: a.seq + uint64(i) + 1, Event: b,
		}
		r.before = digest
		digest = extend(digest, b)
		r.digest = digest
		if h.l.w.trace != nil {
			h.l.w.note(h.l.inc, "%s appends event %d at epoch %d: %v", a.ref, r.Seq, r.Epoch, e)
		}
	}
	return records
}

// extend is the digest of events of which the last is b and those before have
// digest d.
func extend(d uint64, b []byte) uint64 { return d*0x9e3779b97f4a7c15 + xxhash.Sum64(b) + 1 }

// apply folds one event. A panic is an error like any other.
func apply(b actors.Behaviour, e proto.Message) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil, unwound:
		case poisoned:
			err = errors.New("panic in apply")
		default:
			panic(p)
		}
	}()
	return b.Apply(e)
}

// emit hands on what was decided.
func (h *hosted) emit(a *resident, d *actors.Decision) {
	l := h.l
	for _, s := range d.Sends {
		to := cluster.ActorID(s.To)
		m := &letter{Message: cluster.Message{Shard: to.Shard(len(l.shards)), From: cluster.ActorID(a.ref), To: to, Body: s.Body}}
		if l.shards[m.Shard] != nil || l.lots[m.Shard] != nil { // at once, without the log
			m.stamp = l.log.end
			l.after(l.w.upTo(l.w.weather.linger), func() { l.message(m) })
			continue
		}
		if owner := l.owner(m.Shard); owner.Owned() && owner.Incarnation != l.inc {
			h.put(func() { l.w.tell(l.p.at, owner.Address, func(o *life) { o.message(m) }) })
		}
	}
	// What appends nothing rests on the lease alone.
	if len(d.Replies) > 0 && (len(d.Events) > 0 || l.leased()) {
		for _, r := range d.Replies {
			h.answer(r.To.(*cluster.Command), r.Body, r.Refusal)
		}
	}
}

func (h *hosted) put(leave func()) { h.l.outbox.put(h.id, h.hold.Epoch, leave) }

func (h *hosted) answer(c *cluster.Command, body proto.Message, r *actors.Refusal) {
	a := &cluster.Answer{Call: c.Call, Body: body}
	if r != nil {
		a.Code, a.Text, a.RetryAfterMs = r.Code, r.Text, uint64(r.RetryAfter.Milliseconds())
	}
	w := h.l.w
	h.put(func() { w.send(h.l.p.at, w.shop.comesBy(c), func() { w.shop.answered(a) }) })
}

// refused answers that nothing was decided.
func (h *hosted) refused(msg *actors.Message, err error) {
	var r *actors.Refusal
	if !errors.As(err, &r) {
		h.l.w.violated("%s cannot decide on %T: %v", msg.Self, msg.Body, err)
		return
	}
	if c, ok := msg.ReplyTo.(*cluster.Command); ok && h.l.leased() {
		h.answer(c, nil, r)
	}
}

// fail stops the shard alone, since its state cannot be trusted any more. It is
// given back and claimed again, and so begins with what the log has.
func (h *hosted) fail(a *resident, msg *actors.Message, err error) {
	l := h.l
	l.w.note(l.inc, "shard %d stops: %s: %v", h.id, a.ref, err)
	l.w.counts.Failures++
	if c, ok := msg.ReplyTo.(*cluster.Command); ok && l.leased() {
		h.answer(c, nil, actors.Refusef(clientv1.Code_CODE_INTERNAL, "%v", err))
	}
	h.frozen = true
	if l.shards[h.id] == h {
		l.shards[h.id] = nil
	}
	l.rests[h.id] = l.p.mono() + l.w.upTo(time.Second)
	l.run(func() { l.release(h) })
}

// minTimer keeps an actor whose timer is always due from stopping the clock.
const minTimer = time.Millisecond

// arm sets an actor's timer.
func (h *hosted) arm(a *resident) {
	t, ok := a.behaviour.(actors.Timed)
	if !ok {
		return
	}
	at, ok := t.NextTimer()
	if !ok {
		a.timer.stop()
		a.timer = nil
		return
	}
	if a.timer != nil && a.armed.Equal(at) {
		return
	}
	a.timer.stop()
	a.armed = at
	a.timer = h.l.timer(max(minTimer, at.Sub(h.l.p.wall())), func() {
		a.timer = nil
		// Nobody else wakes the actors of a shard that has gone.
		if h.l.shards[h.id] == h {
			h.turn(a, &actors.Message{Self: a.ref, Timer: true})
		}
	})
}

// hosts says whether an actor lives on this node.
func (l *life) hosts(ref actors.Ref) bool {
	return l.shards[cluster.ActorID(ref).Shard(len(l.shards))] != nil
}

// tell takes something to the node at an address, in whichever life it is then.
func (w *World) tell(from endpoint, to cluster.Address, fn func(*life)) {
	for _, p := range w.nodes {
		if cluster.Address(p.name) == to {
			w.send(from, p.at, func() {
				if p.life != nil && p.life.log != nil {
					fn(p.life)
				}
			})
		}
	}
}
