package sim

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

var (
	errTooLong = errors.New("it takes too long")
	errRefused = errors.New("the target refuses, or is gone")
)

// departure is the source's side of a move: cluster.Handoff, and what package
// shard does about its effects.
type departure struct {
	l       *life
	h       *hosted
	number  uint64
	to      cluster.NodeName
	target  cluster.Incarnation
	machine *cluster.Handoff
	box     box
	lot     lot
	gone    bool
}

func (d *departure) run() cluster.HandoffDo {
	l := d.l
	if l.w.chance(0.7) {
		l.checkpoint(d.h)
	}
	patient := l.within(movePatience)
	e := d.machine.Step(cluster.HandoffInput{})
	for {
		l.w.note(l.inc, "moves shard %d to %s: %v %v", d.h.id, d.target, e.Do, e.Err)
		var in cluster.HandoffInput
		switch e.Do {
		case cluster.HandoffPrepare:
			in = d.prepare(patient)
		case cluster.HandoffFreeze:
			in = d.freeze(patient)
		case cluster.HandoffFinal:
			in = d.final(patient, e.Final)
		case cluster.HandoffCommit:
			in = d.commit(e)
		default:
			d.end(e)
			return e.Do
		}
		e = d.machine.Step(in)
	}
}

// ask tells the target something until it answers with what take accepts, it
// refuses or is gone, or ctx ends.
func (d *departure) ask(ctx context.Context, say func(*clusterv1.Handoff), take func(*clusterv1.Handoff) bool) error {
	for {
		d.tell(say)
		again := d.l.within(handoffPause)
		for left(again) > 0 {
			h := d.box.take(d.l, min(left(again), left(ctx)))
			switch {
			case ctx.Err() != nil:
				return errTooLong
			case h == nil:
			case h.GetRefused() != nil:
				return errRefused
			case take(h):
				return nil
			}
		}
		if !d.l.sees(d.target) {
			return errRefused
		}
	}
}

func (d *departure) tell(say func(*clusterv1.Handoff)) {
	h := &clusterv1.Handoff{Move: d.number, Shard: uint32(d.h.id), To: string(d.target)}
	say(h)
	d.l.say(d.target, h)
}

func (d *departure) prepare(ctx context.Context) cluster.HandoffInput {
	log := d.l.log
	through := log.seq
	var p *clusterv1.Handoff_Prepared
	err := d.ask(ctx, func(h *clusterv1.Handoff) {
		h.Body = &clusterv1.Handoff_Prepare_{Prepare: &clusterv1.Handoff_Prepare{
			Epoch: uint64(d.h.hold.Epoch), Log: string(log.stream.name), Through: uint64(through),
		}}
	}, func(h *clusterv1.Handoff) bool {
		p = h.GetPrepared()
		return p != nil && p.GetThrough() >= uint64(through)
	})
	if err != nil {
		return cluster.HandoffInput{Stop: err}
	}
	return cluster.HandoffInput{
		Prepared: &cluster.Successor{
			Node: d.to, Incarnation: d.target, Address: cluster.Address(d.to), Lease: cluster.LeaseID(p.GetLease()),
			Log: cluster.LogName(p.GetLog()), From: cluster.LogSeq(p.GetFrom()),
		},
		Behind: int(log.seq - through),
	}
}

// freeze stops the shard. From here on, what arrives waits in the lot.
func (d *departure) freeze(ctx context.Context) cluster.HandoffInput {
	l := d.l
	l.lots[d.h.id] = &d.lot
	if !l.freeze(d.h) {
		d.gone = true
		return cluster.HandoffInput{Err: errors.New("the shard has stopped")}
	}
	hash := d.h.people.hash()
	if !l.log.wait(l.log.end, left(ctx)) {
		return cluster.HandoffInput{Err: errTooLong}
	}
	return cluster.HandoffInput{Frozen: &cluster.HandoffFrozen{At: l.log.seq, Hash: hash}}
}

func (d *departure) final(ctx context.Context, frozen cluster.HandoffFrozen) cluster.HandoffInput {
	var hash uint64
	err := d.ask(ctx, func(h *clusterv1.Handoff) {
		h.Body = &clusterv1.Handoff_Final_{Final: &clusterv1.Handoff_Final{To: uint64(frozen.At), StateHash: frozen.Hash}}
	}, func(h *clusterv1.Handoff) bool {
		hash = h.GetVerified().GetStateHash()
		return h.GetVerified() != nil
	})
	if err != nil {
		return cluster.HandoffInput{Stop: err}
	}
	return cluster.HandoffInput{Verified: &hash}
}

// patience is that of a move with a transaction: mostly long enough for several
// tries.
func (l *life) patience() time.Duration {
	if !l.w.calm && l.w.chance(0.5) {
		return l.w.between(20*time.Millisecond, 500*time.Millisecond)
	}
	return l.w.between(500*time.Millisecond, movePatience)
}

func (d *departure) commit(e cluster.HandoffEffect) cluster.HandoffInput {
	l := d.l
	d.h.txn.take(l.w)
	defer d.h.txn.leave()
	err := l.member.HandOver(l.within(l.patience()), d.h.hold, e.At, e.Target)
	l.w.note(l.inc, "hands shard %d over: %v", d.h.id, err)
	return cluster.HandoffInput{Committed: err == nil, Err: err}
}

func (d *departure) end(e cluster.HandoffEffect) {
	l, w := d.l, d.l.w
	if w.bug.is(thawOnTimeout) && e.Do == cluster.HandoffReclaim {
		e.Do, e.Frozen = cluster.HandoffAbort, true
	}
	if errors.Is(e.Err, cluster.ErrStateDiffers) && w.history.owns(d.h.id, d.h.hold.Epoch, l.inc) {
		w.violated("%v", e.Err)
	}
	switch e.Do {
	case cluster.HandoffForward:
		d.forward(e.Target)
	case cluster.HandoffAbort:
		d.tell(func(h *clusterv1.Handoff) {
			h.Body = &clusterv1.Handoff_Aborted_{Aborted: &clusterv1.Handoff_Aborted{Why: "the move has failed"}}
		})
		switch {
		case d.gone:
			l.clear(d.h.id, &d.lot, l.elsewhere)
		case e.Frozen:
			l.thaw(d.h)
			l.clear(d.h.id, &d.lot, l.again)
		}
	default:
		l.clear(d.h.id, &d.lot, l.elsewhere)
		l.unsure = true
	}
}

// forward hands on what waits, through the outbox like everything that leaves,
// and tells the target that the shard is its own.
func (d *departure) forward(to cluster.Successor) {
	l, w := d.l, d.l.w
	l.successors[d.h.id] = cluster.Route{Node: to.Node, Incarnation: to.Incarnation, Address: to.Address, Epoch: d.h.hold.Epoch + 1}
	committed := func(h *clusterv1.Handoff) {
		h.Body = &clusterv1.Handoff_Committed_{Committed: &clusterv1.Handoff_Committed{Epoch: uint64(d.h.hold.Epoch) + 1}}
	}
	d.tell(committed)
	l.clear(d.h.id, &d.lot, func(m parked) {
		w.counts.Forwarded++
		if m.message != nil {
			l.passOn(m.message, to.Address)
			return
		}
		leave := func() { w.tell(l.p.at, to.Address, func(o *life) { o.command(m.command) }) }
		if w.bug.is(forwardPastOutbox) {
			leave()
			return
		}
		d.h.put(leave)
	})
	_ = d.ask(l.within(2*time.Second), committed, func(h *clusterv1.Handoff) bool { return h.GetServing() != nil })
}
