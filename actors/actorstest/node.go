package actorstest

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// localDelay bounds how long a message waits in a mailbox.
const localDelay = 50 * time.Microsecond

// minTimer keeps an actor whose timer is always due from stopping the clock.
const minTimer = time.Millisecond

// node is one node: its log, and the actors that live on it.
type node struct {
	world *World
	index int
	life  int // counts crashes; what was meant for an earlier life is lost
	down  bool

	actors    map[actors.Ref]*resident
	residents []*resident // in the order in which they came to be

	log     []record
	durable int
	outbox  []output // by stamp

	decision actors.Decision
}

type resident struct {
	ref       actors.Ref
	kind      actors.Kind
	behaviour actors.Behaviour
	seq       uint64
	timer     time.Time // what an event stands in the world's heap for
}

type record struct {
	ref   actors.Ref
	event []byte
}

// output leaves the node once the log is durable up to stamp.
type output struct {
	stamp int
	leave func()
}

// resident returns an actor, as a new one if it was never addressed.
func (n *node) resident(ref actors.Ref) *resident {
	if r := n.actors[ref]; r != nil {
		return r
	}
	kind, ok := n.world.kinds.Kind(ref.Kind)
	if !ok {
		n.world.fail(fmt.Errorf("message for %s: no such kind", ref))
		return nil
	}
	r := &resident{ref: ref, kind: kind, behaviour: kind.New(ref.ID)}
	n.actors[ref] = r
	n.residents = append(n.residents, r)
	return r
}

// command delivers a client's or operator's command.
func (n *node) command(c *Call) {
	if n.down {
		return
	}
	r := n.resident(c.To)
	if r == nil {
		return
	}
	m, ok := r.kind.Methods[c.Method]
	if !ok || !m.Allow(c.Caller, c.To) {
		n.world.fail(fmt.Errorf("%s.%s may not be called by %+v", c.To, c.Method, c.Caller))
		return
	}
	n.turn(r, &actors.Message{Self: c.To, Method: c.Method, Caller: c.Caller, Request: c.Request, Body: c.Body, ReplyTo: c})
}

// turn lets one actor answer one message.
func (n *node) turn(r *resident, msg *actors.Message) {
	d := &n.decision
	d.Reset()
	env := &actors.Env{Now: n.world.now, Epoch: uint64(n.life) + 1, Local: func(ref actors.Ref) bool { return n.world.cfg.Place(ref) == n.index }}
	if err := r.behaviour.Decide(env, msg, d); err != nil {
		d.Reset()
		var refusal *actors.Refusal
		switch {
		case !errors.As(err, &refusal) && msg.ReplyTo == nil:
			n.world.fail(fmt.Errorf("%s: %w", r.ref, err))
		case refusal == nil:
			refusal = actors.Refusef(clientv1.Code_CODE_INTERNAL, "%v", err)
		}
		d.Refuse(msg.ReplyTo, refusal)
	}
	for _, e := range d.Events {
		n.log = append(n.log, record{ref: r.ref, event: encode(e)})
		if err := r.behaviour.Apply(e); err != nil {
			n.world.fail(fmt.Errorf("%s: event %d: %w", r.ref, r.seq+1, err))
			return
		}
		r.seq++
		if n.world.cfg.Journaled != nil {
			n.world.cfg.Journaled(r.ref, e)
		}
	}
	if v, ok := r.behaviour.(actors.Volatile); ok && d.Volatile != nil {
		v.ApplyVolatile(d.Volatile)
		n.cast(r)
	}
	if len(d.Events) > 0 {
		n.commit(len(n.log))
	}
	n.emit(r, d)
	n.arm(r)
}

// cast hands on what an actor shows.
func (n *node) cast(r *resident) {
	c, ok := r.behaviour.(actors.Caster)
	if !ok {
		return
	}
	c.Cast(func(topic string, frame []byte) {
		if n.world.cfg.Cast == nil {
			return
		}
		frame = bytes.Clone(frame)
		n.leave(func() { n.world.cfg.Cast(topic, frame) })
	})
}

// commit makes the log durable up to end, some time later.
func (n *node) commit(end int) {
	life := n.life
	n.world.After(n.world.upTo(n.world.cfg.Delay), func() {
		if n.life == life && end > n.durable {
			n.release(end)
		}
	})
}

// release lets go what waits for the log to be durable up to end, as it is now.
func (n *node) release(end int) {
	n.durable = end
	for len(n.outbox) > 0 && n.outbox[0].stamp <= n.durable {
		o := n.outbox[0]
		n.outbox = n.outbox[1:]
		o.leave()
	}
}

// leave puts something into the outbox, or lets it go at once.
func (n *node) leave(fn func()) {
	if len(n.log) <= n.durable {
		fn()
		return
	}
	n.outbox = append(n.outbox, output{stamp: len(n.log), leave: fn})
}

func (n *node) emit(r *resident, d *actors.Decision) {
	w := n.world
	for _, s := range d.Sends {
		from, to, body := r.ref, s.To, s.Body
		if w.cfg.Lose != nil && w.cfg.Lose(from, to, body) {
			continue
		}
		target := w.node(to)
		if target == n {
			life := n.life
			deliver := func() {
				if n.life == life {
					n.hear(from, to, body)
				}
			}
			if !w.chance(w.cfg.Loss) {
				w.After(w.upTo(localDelay), deliver)
			}
			if w.chance(w.cfg.Duplicate) {
				w.After(w.upTo(w.cfg.DuplicateDelay), deliver)
			}
			continue
		}
		n.leave(func() { w.carry(func() { target.hear(from, to, body) }) })
	}
	for _, a := range d.Replies {
		call := a.To.(*Call)
		n.leave(func() {
			w.carry(func() {
				if call.Done != nil {
					call.Done(a.Body, a.Refusal)
				}
			})
		})
	}
	for _, b := range d.Broadcasts {
		if w.cfg.Heard != nil {
			n.leave(func() { w.cfg.Heard(b) })
		}
	}
}

// hear delivers another actor's message.
func (n *node) hear(from, to actors.Ref, body proto.Message) {
	if n.down {
		return
	}
	if r := n.resident(to); r != nil {
		n.turn(r, &actors.Message{Self: to, From: from, Body: body})
	}
}

// arm sets the actor's timer.
func (n *node) arm(r *resident) {
	t, ok := r.behaviour.(actors.Timed)
	if !ok {
		return
	}
	at, ok := t.NextTimer()
	if !ok {
		r.timer = time.Time{}
		return
	}
	if earliest := n.world.now.Add(minTimer); at.Before(earliest) {
		at = earliest
	}
	if r.timer.Equal(at) {
		return
	}
	r.timer = at
	life := n.life
	n.world.After(at.Sub(n.world.now), func() {
		if n.life == life && r.timer.Equal(at) {
			r.timer = time.Time{}
			n.turn(r, &actors.Message{Self: r.ref, Timer: true})
		}
	})
}

// crash drops everything but a prefix of the log that holds what is durable:
// an entry may have landed without the node having heard of it.
func (n *node) crash(down time.Duration) {
	if n.down {
		return
	}
	n.life++
	n.down = true
	n.log = n.log[:n.durable+n.world.rand.IntN(len(n.log)-n.durable+1)]
	n.durable = len(n.log)
	n.outbox = nil
	gone := n.residents
	n.actors, n.residents = make(map[actors.Ref]*resident), nil
	n.world.After(down, func() { n.recover(gone) })
}

// handOver lets the actors part, and loses nothing but what is volatile: the node
// is left in good order, and gets its actors back after a while.
func (n *node) handOver(down time.Duration) {
	if n.down {
		return
	}
	for _, r := range n.residents {
		if p, ok := r.behaviour.(actors.Parter); ok && p.Parts() {
			n.turn(r, &actors.Message{Self: r.ref, Parting: true})
		}
	}
	n.release(len(n.log))
	n.crash(down)
}

// recover brings the actors back that have events left.
func (n *node) recover(gone []*resident) {
	n.down = false
	counts := make(map[actors.Ref]uint64)
	for _, rec := range n.log {
		counts[rec.ref]++
	}
	for _, old := range gone {
		seq := counts[old.ref]
		if seq == 0 {
			continue
		}
		behaviour, err := n.rebuild(old.ref, len(n.log), n.world.rand.IntN(int(seq)+1))
		if err != nil {
			n.world.fail(err)
			return
		}
		r := &resident{ref: old.ref, kind: old.kind, behaviour: behaviour, seq: seq}
		n.actors[r.ref] = r
		n.residents = append(n.residents, r)
		n.arm(r)
	}
}

// rebuild replays an actor from the log up to end. After so many of its events
// it is taken through a snapshot, unless snap is negative.
func (n *node) rebuild(ref actors.Ref, end, snap int) (actors.Behaviour, error) {
	kind, _ := n.world.kinds.Kind(ref.Kind)
	b := kind.New(ref.ID)
	through := func() error {
		state := kind.State()
		if err := proto.Unmarshal(encode(b.Snapshot()), state); err != nil {
			return fmt.Errorf("%s: decode its snapshot: %w", ref, err)
		}
		b = kind.New(ref.ID)
		return b.Restore(state)
	}
	seq := 0
	for _, rec := range n.log[:end] {
		if rec.ref != ref {
			continue
		}
		if seq == snap {
			if err := through(); err != nil {
				return nil, err
			}
		}
		e := kind.Event()
		if err := proto.Unmarshal(rec.event, e); err != nil {
			return nil, fmt.Errorf("%s: decode event %d: %w", ref, seq+1, err)
		}
		if err := b.Apply(e); err != nil {
			return nil, fmt.Errorf("%s: replay event %d: %w", ref, seq+1, err)
		}
		seq++
	}
	if seq == snap {
		if err := through(); err != nil {
			return nil, err
		}
	}
	return b, nil
}
