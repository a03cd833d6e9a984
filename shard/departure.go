package shard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// departure is the source's side of a planned move.
type departure struct {
	inc     *incarnation
	h       *hosted
	number  uint64
	target  *clusterv1.Node
	machine *cluster.Handoff
	box     chan *clusterv1.Handoff
	lot     *lot

	began, stopped time.Time
	// gone: the shard had stopped itself before it could be frozen.
	gone    bool
	receipt *clusterv1.MoveReceipt
}

func newDeparture(inc *incarnation, h *hosted, number uint64, to *clusterv1.Node) *departure {
	return &departure{
		inc: inc, h: h, number: number, target: to, machine: cluster.NewHandoff(h.id),
		box: make(chan *clusterv1.Handoff, handoffBox), lot: newLot(inc.cfg.MaxQueued), began: time.Now(),
		receipt: &clusterv1.MoveReceipt{
			Move: number, Shard: uint32(h.id), From: string(inc.member.Name()), To: to.GetName(),
			FromIncarnation: string(inc.member.Incarnation()), ToIncarnation: to.GetIncarnation(),
			Epoch: uint64(h.hold.Epoch), Started: timestamppb.Now(),
		},
	}
}

// run carries the move out, and returns why it came to nothing, if it did. What
// became of it is in the receipt.
func (d *departure) run(ctx context.Context) error {
	// The shard's checkpoints belong to the move until it ends: the target loads
	// the newest there is, and what has changed since makes up the hash.
	d.h.moving.Store(true)
	defer d.h.moving.Store(false)
	if err := d.inc.takeCheckpoint(ctx, d.h); err != nil && ctx.Err() == nil {
		d.inc.ballast.note(err)
		d.inc.metrics.checkpointErrors.Inc()
		d.inc.log.Warn("checkpoint before a move", "shard", d.h.id, "err", err) // the target reads more
	}
	d.h.chronicle.mu.Lock()
	defer d.h.chronicle.mu.Unlock()

	cfg := &d.inc.cfg
	loading, cancel := context.WithTimeoutCause(d.inc.moves.wanted, cfg.preparePatience, errMoveTimeout)
	defer cancel()
	stalled := loading // from the freeze on, with a patience of its own
	e := d.machine.Step(cluster.HandoffInput{})
	for {
		var in cluster.HandoffInput
		switch e.Do {
		case cluster.HandoffPrepare:
			in = d.prepare(loading)
		case cluster.HandoffFreeze:
			stalled, cancel = context.WithTimeoutCause(d.inc.moves.wanted, cfg.freezePatience, errMoveTimeout)
			defer cancel()
			in = d.freeze(stalled)
		case cluster.HandoffFinal:
			in = d.final(stalled, e.Final)
		case cluster.HandoffCommit:
			in = d.commit(ctx, e)
		default:
			d.end(ctx, e)
			return e.Err
		}
		e = d.machine.Step(in)
	}
}

// say tells the target something, until it answers with what take accepts, it
// refuses or is gone, or ctx ends.
func (d *departure) say(ctx context.Context, body func(*clusterv1.Handoff), take func(*clusterv1.Handoff) bool) error {
	again := time.NewTicker(handoffPause)
	defer again.Stop()
	for {
		d.tell(body)
	wait:
		for {
			select {
			case h := <-d.box:
				if r := h.GetRefused(); r != nil {
					return fmt.Errorf("%s refuses: %s", d.target.GetName(), r.GetWhy())
				}
				if take(h) {
					return nil
				}
			case <-again.C:
				break wait
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		if !d.inc.lives(d.target.GetIncarnation()) {
			return fmt.Errorf("%s is no longer a member", d.target.GetIncarnation())
		}
	}
}

// tell says something to the target once.
func (d *departure) tell(body func(*clusterv1.Handoff)) {
	h := &clusterv1.Handoff{
		Move: d.number, Shard: uint32(d.h.id), Incarnation: string(d.inc.member.Incarnation()), To: d.target.GetIncarnation(),
	}
	body(h)
	d.inc.mesh.SendHandoff(cluster.Address(d.target.GetAddress()), h)
}

// prepare has the target load what is durable now.
func (d *departure) prepare(ctx context.Context) cluster.HandoffInput {
	through := d.inc.journal.DurableSeq()
	var p *clusterv1.Handoff_Prepared
	err := d.say(ctx, func(h *clusterv1.Handoff) {
		h.Body = &clusterv1.Handoff_Prepare_{Prepare: &clusterv1.Handoff_Prepare{
			Address: string(d.inc.mesh.Address()), Epoch: uint64(d.h.hold.Epoch), Log: string(d.inc.logName), Through: uint64(through),
		}}
	}, func(h *clusterv1.Handoff) bool {
		p = h.GetPrepared()
		return p != nil && p.GetThrough() >= uint64(through)
	})
	if err != nil {
		return cluster.HandoffInput{Stop: err}
	}
	d.receipt.Bytes = p.GetBytes()
	return cluster.HandoffInput{
		Prepared: &cluster.Successor{
			Node: cluster.NodeName(p.GetNode()), Incarnation: cluster.Incarnation(d.target.GetIncarnation()),
			Address: cluster.Address(p.GetAddress()), Lease: cluster.LeaseID(p.GetLease()),
			Log: cluster.LogName(p.GetLog()), From: cluster.LogSeq(p.GetFrom()),
		},
		Behind: int(d.inc.journal.DurableSeq() - through),
	}
}

// freeze stops the shard. From here on, what arrives waits in the lot.
func (d *departure) freeze(ctx context.Context) cluster.HandoffInput {
	if d.inc.journal.Full() {
		return cluster.HandoffInput{Err: errors.New("the log's store is full: nothing would become durable")}
	}
	d.stopped = time.Now()
	d.inc.lots[d.h.id].Store(d.lot)
	if err := d.inc.freeze(ctx, d.h); err != nil {
		d.gone = errors.Is(err, errStopped)
		return cluster.HandoffInput{Err: fmt.Errorf("stop serving: %w", err)}
	}
	var left cluster.HandoffFrozen
	var failed error // touched by the errand until it is done
	end := d.inc.journal.End()
	err := d.h.do(ctx, func(h *hosted) {
		if failed = h.broken; failed == nil {
			left.Hash, left.Actors, failed = h.stateHash()
		}
	})
	if err != nil {
		return cluster.HandoffInput{Err: fmt.Errorf("hash the state: %w", err)}
	}
	if failed != nil {
		return cluster.HandoffInput{Err: fmt.Errorf("hash the state: %w", failed)}
	}
	if err := d.inc.journal.Wait(ctx, end); err != nil {
		return cluster.HandoffInput{Err: fmt.Errorf("wait for the log: %w", err)}
	}
	left.At = d.inc.journal.DurableSeq()
	d.receipt.HashBefore, d.receipt.Actors = left.Hash, left.Actors
	return cluster.HandoffInput{Frozen: &left}
}

// final has the target put together the state as it was left.
func (d *departure) final(ctx context.Context, left cluster.HandoffFrozen) cluster.HandoffInput {
	var hash uint64
	err := d.say(ctx, func(h *clusterv1.Handoff) {
		h.Body = &clusterv1.Handoff_Final_{Final: &clusterv1.Handoff_Final{To: uint64(left.At), StateHash: left.Hash, Actors: left.Actors}}
	}, func(h *clusterv1.Handoff) bool {
		hash = h.GetVerified().GetStateHash()
		return h.GetVerified() != nil
	})
	if err != nil {
		return cluster.HandoffInput{Stop: err}
	}
	d.receipt.HashAfter = hash
	return cluster.HandoffInput{Verified: &hash}
}

// commit makes the target the owner. Nobody calls it off: a transaction that was
// sent has an outcome, which is worth waiting for.
func (d *departure) commit(ctx context.Context, e cluster.HandoffEffect) cluster.HandoffInput {
	ctx, cancel := context.WithTimeout(ctx, d.inc.cfg.commitPatience)
	defer cancel()
	if err := d.inc.member.HandOver(ctx, d.h.hold, e.At, e.Target); err != nil {
		return cluster.HandoffInput{Err: err}
	}
	return cluster.HandoffInput{Committed: true}
}

// end carries out the last effect and writes the receipt.
func (d *departure) end(ctx context.Context, e cluster.HandoffEffect) {
	r := d.receipt
	switch e.Do {
	case cluster.HandoffForward:
		r.Outcome, r.Epoch = clusterv1.MoveOutcome_MOVE_OUTCOME_MOVED, r.GetEpoch()+1
		d.forward(ctx, e.Target)
	case cluster.HandoffAbort:
		r.Outcome = clusterv1.MoveOutcome_MOVE_OUTCOME_ROLLED_BACK
		d.abort(e)
	case cluster.HandoffReclaim:
		r.Outcome = clusterv1.MoveOutcome_MOVE_OUTCOME_IN_DOUBT
		d.leave(d.elsewhere)
		d.linger()
	case cluster.HandoffDrop:
		r.Outcome = clusterv1.MoveOutcome_MOVE_OUTCOME_LOST
		d.leave(d.elsewhere)
		d.linger()
	default:
		panic(fmt.Sprintf("a move ended with %s", e.Do))
	}
	if e.Err != nil {
		r.Why = e.Err.Error()
	}
	r.Parked, r.Refused = d.lot.counts()
	r.Lost = r.GetParked() - r.GetForwarded()
	r.TookMs = ms(time.Since(d.began))
	if !d.stopped.IsZero() && r.GetStallMs() == 0 {
		r.StallMs = ms(time.Since(d.stopped))
	}
}

// forward hands on what waits, through the outbox like everything that leaves,
// and tells the target that the shard is its own.
func (d *departure) forward(ctx context.Context, to cluster.Successor) {
	d.inc.successors[d.h.id].Store(&cluster.Route{
		Node: to.Node, Incarnation: to.Incarnation, Address: to.Address, Epoch: d.h.hold.Epoch + 1,
	})
	committed := func(h *clusterv1.Handoff) {
		h.Body = &clusterv1.Handoff_Committed_{Committed: &clusterv1.Handoff_Committed{Epoch: uint64(d.h.hold.Epoch) + 1}}
	}
	d.tell(committed)
	d.leave(func(m any) bool {
		if c, ok := m.(*cluster.Command); ok {
			return d.inc.outbox.put(output{to: to.Address, command: c})
		}
		return d.inc.outbox.put(output{to: to.Address, message: m.(*cluster.Message)})
	})
	d.linger()
	ctx, cancel := context.WithTimeout(ctx, lingering)
	defer cancel()
	err := d.say(ctx, committed, func(h *clusterv1.Handoff) bool { return h.GetServing() != nil })
	d.receipt.StallMs = ms(time.Since(d.stopped))
	if err != nil {
		d.receipt.Why = fmt.Sprintf("moved, but the target has not said that it serves: %v", err)
	}
}

// linger ends the mailbox after a while: what is still on its way to it is
// redirected from there.
func (d *departure) linger() {
	d.inc.wg.Go(func() {
		sleep(d.inc.ctx, lingering)
		d.h.stop()
	})
}

// elsewhere tells the sender of a command that the shard is not served here. It
// asks again until somebody serves. A message is lost, and said again by an actor.
func (d *departure) elsewhere(m any) bool {
	c, ok := m.(*cluster.Command)
	if ok {
		d.inc.redirect(c)
	}
	return ok
}

// abort tells the target that nothing will come, and has the shard serve on if
// it had stopped.
func (d *departure) abort(e cluster.HandoffEffect) {
	d.tell(func(h *clusterv1.Handoff) {
		h.Body = &clusterv1.Handoff_Aborted_{Aborted: &clusterv1.Handoff_Aborted{Why: e.Err.Error()}}
	})
	switch {
	case d.gone:
		d.leave(d.elsewhere)
	case e.Frozen:
		d.inc.thaw(d.h)
		d.leave(func(m any) bool { return d.h.post(m, math.MaxInt) })
	}
}

// leave closes the lot and hands on each that waits. It counts what next says was
// handed on.
func (d *departure) leave(next func(any) bool) {
	for _, m := range d.lot.clear() {
		if next(m) {
			d.receipt.Forwarded++
		}
	}
	d.inc.lots[d.h.id].CompareAndSwap(d.lot, nil)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// finished reports a move, to whoever operates this and to the audit stream.
func (inc *incarnation) finished(ctx context.Context, r *clusterv1.MoveReceipt, why error) {
	outcome, level := moveOutcomes[r.GetOutcome()], slog.LevelInfo
	if errors.Is(why, cluster.ErrStateDiffers) {
		// Memory or what is durable is wrong, and nobody knows which.
		outcome, level = "state_differs", slog.LevelError
	}
	inc.metrics.moves.WithLabelValues(outcome).Inc()
	if r.GetStallMs() > 0 {
		inc.metrics.moveStall.Observe(r.GetStallMs() / 1000)
	}
	inc.log.Log(ctx, level, "move", "shard", r.GetShard(), "to", r.GetTo(), "outcome", outcome, "epoch", r.GetEpoch(), "actors", r.GetActors(), "bytes", r.GetBytes(),
		"parked", r.GetParked(), "forwarded", r.GetForwarded(), "refused", r.GetRefused(), "lost", r.GetLost(), "stall_ms", r.GetStallMs(), "took_ms", r.GetTookMs(), "why", r.GetWhy())
	if inc.ctx.Err() != nil || inc.node.deps.Moved == nil {
		return
	}
	if err := inc.node.deps.Moved(ctx, r); err != nil && ctx.Err() == nil {
		inc.log.Warn("keep the receipt of a move", "shard", r.GetShard(), "err", err)
	}
}

// moveOutcomes are the values of the metric label "outcome".
var moveOutcomes = map[clusterv1.MoveOutcome]string{
	clusterv1.MoveOutcome_MOVE_OUTCOME_MOVED:       "moved",
	clusterv1.MoveOutcome_MOVE_OUTCOME_ROLLED_BACK: "rolled_back",
	clusterv1.MoveOutcome_MOVE_OUTCOME_IN_DOUBT:    "in_doubt",
	clusterv1.MoveOutcome_MOVE_OUTCOME_LOST:        "lost",
}
