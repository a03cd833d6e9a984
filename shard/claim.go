package shard

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/shard/checkpoint"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// claimers bounds how many ownership transactions run at once. etcd commits
// them in batches, so that a few dozen at once cost little more than one.
const claimers = 32

const (
	// claimTries bounds how often one effect of a claim is tried again before
	// the claim is given up, to be begun anew by reconcile.
	claimTries = 5
	// claimRetryPause is the time between two tries.
	claimRetryPause = 200 * time.Millisecond
)

// takeover is one shard on its way to this node: the protocol's state machine,
// and what its effects have brought so far.
type takeover struct {
	shard  cluster.ShardID
	claim  *cluster.Claim
	effect cluster.ClaimEffect
	tries  int

	hold *cluster.Holding // from ClaimAcquire on
	rec  *recovery        // from ClaimLoad on
}

// answer tells the state machine what its effect has led to.
func (t *takeover) answer(in cluster.ClaimInput) {
	t.effect = t.claim.Step(in)
	if t.effect.Again {
		t.tries++
	} else {
		t.tries = 0
	}
	if t.tries >= claimTries {
		t.claim.Step(cluster.ClaimInput{Stop: fmt.Errorf("gave up after %d tries", claimTries)})
		t.effect = t.claim.Step(in)
	}
}

// claim takes over shards that nobody serves, all of them together, phase by
// phase: a log that several of them need is sealed once and read once. What
// cannot be claimed now is tried again later.
func (inc *incarnation) claim(ctx context.Context, missing []cluster.ShardID) {
	start := time.Now()
	batch := make([]*takeover, len(missing))
	for i, s := range missing {
		batch[i] = &takeover{shard: s, claim: cluster.NewClaim(s, inc.logName)}
		batch[i].answer(cluster.ClaimInput{})
	}
	for ctx.Err() == nil {
		phase, group := nextPhase(batch)
		if group == nil {
			break
		}
		if slices.ContainsFunc(group, func(t *takeover) bool { return t.effect.Again }) && !sleep(ctx, claimRetryPause) {
			break
		}
		switch phase {
		case cluster.ClaimAcquire:
			inc.acquire(ctx, group)
		case cluster.ClaimSeal, cluster.ClaimFlush:
			inc.closeLogs(ctx, group)
		case cluster.ClaimLoad:
			inc.load(ctx, group)
		case cluster.ClaimServe:
			inc.serve(ctx, group)
		}
	}
	served := 0
	for _, t := range batch {
		if t.effect.Do == cluster.ClaimDone {
			served++
		} else if ctx.Err() == nil {
			inc.abandon(ctx, t)
		}
	}
	if served > 0 {
		inc.log.Info("claimed", "shards", served, "took", time.Since(start).Round(time.Millisecond))
	}
}

// nextPhase returns the earliest phase that a claim of the batch is in, and all
// claims that are in it; nil when none has anything to do.
func nextPhase(batch []*takeover) (phase cluster.ClaimDo, group []*takeover) {
	for _, phase := range []cluster.ClaimDo{cluster.ClaimAcquire, cluster.ClaimSeal, cluster.ClaimFlush, cluster.ClaimLoad, cluster.ClaimServe} {
		for _, t := range batch {
			if t.effect.Do == phase {
				group = append(group, t)
			}
		}
		if group != nil {
			return phase, group
		}
	}
	return cluster.ClaimNothing, nil
}

// parallel runs f for each of the group, a bounded number at a time, and
// answers each claim with what f returned.
func parallel(group []*takeover, limit int, f func(*takeover) cluster.ClaimInput) {
	var g errgroup.Group
	g.SetLimit(limit)
	for _, t := range group {
		g.Go(func() error { t.answer(f(t)); return nil })
	}
	_ = g.Wait() // errors are answers to the claims
}

// acquire makes this incarnation the owner, in etcd. Owning is not serving: the
// old segment is not closed yet.
func (inc *incarnation) acquire(ctx context.Context, group []*takeover) {
	parallel(group, claimers, func(t *takeover) cluster.ClaimInput {
		hold, err := inc.member.Acquire(ctx, t.shard)
		if err != nil {
			return cluster.ClaimInput{Err: err}
		}
		t.hold = hold
		return cluster.ClaimInput{Record: hold.Record}
	})
}

// closeLogs ends every log in which one of the shards has an open segment,
// however dead or alive its writer may seem, each of them once. A segment of the
// own log was left open by a release that did not happen: all that the shard
// has written there is durable when what is buffered now is.
func (inc *incarnation) closeLogs(ctx context.Context, group []*takeover) {
	answers := make(map[cluster.LogName]cluster.ClaimInput)
	for _, t := range group {
		in, done := answers[t.effect.Log]
		if !done {
			if t.effect.Do == cluster.ClaimFlush {
				in.Err = inc.journal.Wait(ctx, inc.journal.End())
				in.Seq = inc.journal.DurableSeq()
			} else {
				in.Seq, in.Err = journal.Seal(ctx, inc.js, t.effect.Log, inc.member.Incarnation())
				inc.log.Info("sealed", "log", t.effect.Log, "at", in.Seq, "err", in.Err)
			}
			if in.Err != nil {
				inc.ballast.note(in.Err)
				in.Err = fmt.Errorf("%s log %s: %w", t.effect.Do, t.effect.Log, in.Err)
			}
			answers[t.effect.Log] = in
		}
		t.answer(in)
	}
}

// serve closes the old segments, opens new ones in the own log, and only then
// lets commands in.
func (inc *incarnation) serve(ctx context.Context, group []*takeover) {
	parallel(group, claimers, func(t *takeover) cluster.ClaimInput {
		if err := inc.openSegment(ctx, t.hold, t.effect.CloseAt); err != nil {
			return cluster.ClaimInput{Err: err}
		}
		inc.host(t.hold, t.rec)
		return cluster.ClaimInput{}
	})
}

// host lets commands in to a shard whose state is put together and whose segment
// of the own log is open.
func (inc *incarnation) host(hold *cluster.Holding, rec *recovery) *hosted {
	h := newHosted(inc, hold, rec.people)
	if !rec.stale {
		h.chronicle.captured = rec.captured
		// Another checkpoint may have been published since this one was read.
		if proto.Equal(hold.Record.GetCurrent(), rec.from) {
			h.chronicle.current = rec.from
		}
	}
	h.chronicle.measure(rec.from)
	// What was replayed counts as grown: a node that crashes again and again
	// must not replay more each time.
	h.chronicle.mark(inc.appended.Load() - rec.tail)
	h.start()
	h.post(errand((*hosted).rearm), math.MaxInt)
	inc.shards[h.id].Store(h)
	inc.metrics.shards.Inc()
	return h
}

// openSegment is the last transaction of a claim. The log is not purged between
// choosing its next entry and naming it.
func (inc *incarnation) openSegment(ctx context.Context, hold *cluster.Holding, closeAt cluster.LogSeq) error {
	inc.purging.RLock()
	defer inc.purging.RUnlock()
	return inc.member.Serve(ctx, hold, closeAt, inc.logName, inc.journal.DurableSeq()+1)
}

// abandon gives up a claim that cannot be finished. The shard's record is as it
// was; only the ownership goes.
func (inc *incarnation) abandon(ctx context.Context, t *takeover) {
	if errors.Is(t.effect.Err, cluster.ErrOwned) {
		return // somebody was faster; the route is on its way
	}
	inc.pause(t.shard, t.effect.Err)
	if !t.effect.Release {
		return
	}
	if err := inc.member.Release(ctx, t.hold, 0); err != nil && ctx.Err() == nil {
		inc.log.Error("give up a claim", "shard", t.shard, "err", err)
	}
}

// pause leaves a shard alone for a while. It stops loudly: an operator must see
// a shard that nobody can serve.
func (inc *incarnation) pause(s cluster.ShardID, cause error) {
	inc.pausesMu.Lock()
	inc.pauses[s] = time.Now().Add(claimPause)
	inc.pausesMu.Unlock()
	if inc.ctx.Err() == nil {
		inc.metrics.claimErrors.Inc()
		inc.log.Error("cannot claim", "shard", s, "err", cause)
	}
}

// paused says whether the shard is to be left alone now.
func (inc *incarnation) paused(s cluster.ShardID) bool {
	inc.pausesMu.Lock()
	defer inc.pausesMu.Unlock()
	return time.Now().Before(inc.pauses[s])
}

// rearmStep is how many sleeping actors are asked for their timers in one
// errand after a recovery.
const rearmStep = 256

// rearm asks all actors for their timers after a recovery: the live ones at
// once, those that sleep a few at a time, between turns.
func (h *hosted) rearm() {
	now := time.Now()
	for _, a := range h.people.live.Values() {
		h.arm(a, now)
	}
	h.rearmAsleep(slices.Collect(maps.Keys(h.people.passive)))
}

// rearmAsleep asks the first of the sleeping actors and puts the others off.
func (h *hosted) rearmAsleep(refs []actors.Ref) {
	n := min(rearmStep, len(refs))
	now := time.Now()
	for _, ref := range refs[:n] {
		asleep, ok := h.people.passive[ref]
		if !ok {
			continue // awake by now, and so armed
		}
		b, err := h.people.look(ref, checkpoint.Actor{State: asleep.state})
		if err != nil {
			h.fail(err)
			return
		}
		timed, ok := b.(actors.Timed)
		if !ok {
			continue
		}
		if at, wants := timed.NextTimer(); wants {
			asleep.armed = ringing(at, now)
			h.people.passive[ref] = asleep
			h.alarm.set(ref, asleep.armed)
		}
	}
	if n < len(refs) && h.broken == nil {
		h.post(errand(func(h *hosted) { h.rearmAsleep(refs[n:]) }), math.MaxInt)
	}
}

// sleep waits, and is false when ctx ended meanwhile.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
