package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
)

const (
	claimTries      = 5
	claimRetryPause = 200 * time.Millisecond
)

// claim takes a shard over: cluster.Claim, and what package shard does about its
// effects.
func (l *life) claim(s cluster.ShardID) {
	w := l.w
	c := cluster.NewClaim(s, l.log.stream.name)
	e := c.Step(cluster.ClaimInput{})
	var hold *cluster.Holding
	var found *loaded
	for tries := 0; ; {
		if e.Again {
			if tries++; tries >= claimTries {
				c.Step(cluster.ClaimInput{Stop: fmt.Errorf("gave up after %d tries", tries)})
			}
			l.rest(l.within(time.Hour), claimRetryPause)
		}
		ctx := l.within(w.between(100*time.Millisecond, w.weather.ttl))
		var in cluster.ClaimInput
		switch e.Do {
		case cluster.ClaimAcquire:
			if hold, in.Err = l.member.Acquire(ctx, s); in.Err == nil {
				in.Record = hold.Record
			}
		case cluster.ClaimSeal:
			in.Seq, in.Err = l.seal(e.Log)
		case cluster.ClaimFlush:
			if !l.log.wait(l.log.end, w.weather.ttl) {
				in.Err = errors.New("the log does not get on")
			}
			in.Seq = l.log.seq
		case cluster.ClaimLoad:
			if found, in.Err = l.load(e.Record, s, e.Epoch); errors.Is(in.Err, errUnloadable) && w.history.owns(s, hold.Epoch, l.inc) {
				w.violated("shard %d cannot be loaded by its owner, %s at epoch %d: %v", s, l.inc, hold.Epoch, in.Err)
			}
		case cluster.ClaimServe:
			in.Err = l.openSegment(ctx, hold, e.CloseAt)
		}
		w.note(l.inc, "claims shard %d: %v, %v", s, e.Do, in.Err)
		switch e = c.Step(in); e.Do {
		case cluster.ClaimDone:
			w.counts.Claims++
			l.host(hold, found.people)
			return
		case cluster.ClaimAbandon:
			w.note(l.inc, "abandons shard %d: %v", s, e.Err)
			if !errors.Is(e.Err, cluster.ErrOwned) {
				l.rests[s] = l.p.mono() + time.Second
			}
			if e.Release {
				err := l.member.Release(l.within(time.Second), hold, 0)
				w.note(l.inc, "gives shard %d up: %v", s, err)
			}
			return
		}
	}
}

// openSegment is the last transaction of a claim. The log is not purged between
// choosing its next entry and naming it.
func (l *life) openSegment(ctx context.Context, hold *cluster.Holding, closeAt cluster.LogSeq) error {
	if l.w.bug.is(noFinalTxn) {
		return nil
	}
	l.purging.share(l.w)
	defer l.purging.leave()
	return l.member.Serve(ctx, hold, closeAt, l.log.stream.name, l.log.seq+1)
}

// seal ends a log.
func (l *life) seal(name cluster.LogName) (cluster.LogSeq, error) {
	w := l.w
	s := w.logs[name]
	if s == nil {
		return 0, fmt.Errorf("%w: log %s is gone", errUnloadable, name)
	}
	if w.bug.is(sealIfDead) && s.end() > 0 && l.hears(s.by) {
		return s.end(), nil
	}
	a, ok := l.ask(w.logsAt(), w.between(100*time.Millisecond, 2*time.Second), func(reply func(any)) { s.sealBy(l.inc, reply) })
	if !ok {
		return 0, fmt.Errorf("seal: %w", cluster.ErrUnavailable)
	}
	return a.(cluster.LogSeq), nil
}

// hears says whether an incarnation answers.
func (l *life) hears(inc cluster.Incarnation) bool {
	for _, p := range l.w.nodes {
		if p.life != nil && p.life.inc == inc {
			_, ok := l.ask(p.at, 200*time.Millisecond, func(reply func(any)) {
				if p.life != nil && p.life.inc == inc {
					reply(nil)
				}
			})
			return ok
		}
	}
	return false
}

// sees says whether an incarnation is a member, as far as this node knows.
func (l *life) sees(inc cluster.Incarnation) bool {
	for _, n := range l.member.View.Nodes() {
		if n.GetIncarnation() == string(inc) {
			return true
		}
	}
	return false
}

// host lets commands in to a shard whose state is put together.
func (l *life) host(hold *cluster.Holding, p *people) {
	h := &hosted{l: l, id: hold.Shard, hold: hold, people: p, at: l.p.mono()}
	l.shards[h.id] = h
	l.w.note(l.inc, "serves shard %d at epoch %d", h.id, hold.Epoch)
	l.w.history.hosted(h)
	l.successors[h.id] = cluster.Route{}
	for _, a := range p.order {
		h.arm(a)
	}
}

// freeze takes a shard out of the routing table. After it the shard appends
// nothing. False: it was out already.
func (l *life) freeze(h *hosted) bool {
	if l.shards[h.id] != h {
		return false
	}
	l.shards[h.id] = nil
	h.frozen = true
	return true
}

// thaw has a frozen shard serve again.
func (l *life) thaw(h *hosted) {
	l.shards[h.id], h.frozen = h, false
	for _, a := range h.people.order {
		h.arm(a)
	}
}

// release gives a frozen shard up in good order.
func (l *life) release(h *hosted) {
	if !l.log.wait(l.log.end, l.w.weather.ttl) {
		l.unsure = true
		return
	}
	h.txn.take(l.w)
	err := l.member.Release(l.within(l.w.between(100*time.Millisecond, 2*time.Second)), h.hold, l.log.seq)
	h.txn.leave()
	l.w.note(l.inc, "releases shard %d at %d: %v", h.id, l.log.seq, err)
}
