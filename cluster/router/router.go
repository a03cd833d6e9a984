package router

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// Mesh sends commands, within the process or to another. It may call Answered
// before SendCommand returns.
type Mesh interface {
	SendCommand(to cluster.Address, c *cluster.Command)
}

// Waiter takes the answer to a call: called once, whatever happens, from any
// goroutine. It must be quick and must not block. An answer is never NotOwner.
// An alias, so that consumers can declare the interface of a router themselves.
type Waiter = interface{ Answered(*cluster.Answer) }

// Router is the table of pending calls of one process.
type Router struct {
	cfg    Config
	routes Routes
	mesh   Mesh
	began  time.Time

	lastCall atomic.Uint64
	pending  atomic.Int64
	tables   [tables]table

	// hints[s] is the owner of s that a node named, while it is newer than the
	// routes; nil for the most part.
	hints []atomic.Pointer[cluster.Route]

	cancel context.CancelFunc
	done   sync.WaitGroup
}

// New returns a running router. It panics when cfg is not valid.
func New(cfg Config, routes Routes, mesh Mesh) *Router {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		panic("configure router: " + err.Error())
	}
	r := &Router{
		cfg:    cfg,
		routes: routes,
		mesh:   mesh,
		began:  time.Now(),
		hints:  make([]atomic.Pointer[cluster.Route], routes.Shards()),
	}
	// An answer meant for an earlier process at this address must not match a
	// call of this one.
	r.lastCall.Store(rand.Uint64())
	for i := range r.tables {
		r.tables[i].calls = make(map[uint64]call)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	r.done.Go(func() { r.run(ctx) })
	return r
}

// Close answers everything that waits with UNAVAILABLE, and what comes later too.
func (r *Router) Close() {
	r.cancel()
	r.done.Wait()
	for i := range r.tables {
		for _, c := range r.tables[i].close() {
			r.giveUp(c.waiter, c.cmd.Call, givenClosed, "the node is shutting down")
			r.pending.Add(-1)
		}
	}
}

// Do sends cmd to the owner of its actor and gives the answer to w. It fills in
// Call, ReplyTo and Shard. cmd belongs to the router from then on.
func (r *Router) Do(cmd *cluster.Command, w Waiter) {
	shard, ok := shardOf(cmd.To, len(r.hints))
	if !ok {
		w.Answered(&cluster.Answer{Code: clientv1.Code_CODE_NOT_FOUND, Text: "there is no " + cmd.To.String()})
		return
	}
	cmd.Shard, cmd.ReplyTo, cmd.Call = shard, "", r.lastCall.Add(1)

	if r.pending.Add(1) > int64(r.cfg.MaxPending) {
		r.pending.Add(-1)
		r.cfg.Metrics.overloaded.Inc()
		w.Answered(&cluster.Answer{
			Call: cmd.Call, Code: clientv1.Code_CODE_OVERLOADED, Text: "too many requests wait for an answer",
			RetryAfterMs: uint64(retryOverloaded.Milliseconds()),
		})
		return
	}
	owner := r.owner(shard)
	now := time.Since(r.began)
	c := call{cmd: cmd, waiter: w, deadline: now + r.cfg.Deadline, next: now + r.cfg.Resend, asked: owner.Epoch, silent: true}
	if !r.table(cmd.Call).add(cmd.Call, c) {
		r.pending.Add(-1)
		r.giveUp(w, cmd.Call, givenClosed, "the node is shutting down")
		return
	}
	if !owner.Owned() {
		// The owner is sent the command when there is one.
		r.cfg.Metrics.noOwner.Inc()
		return
	}
	r.mesh.SendCommand(owner.Address, cmd)
}

// Answered takes an answer that has arrived. One that nobody waits for is
// counted and dropped.
func (r *Router) Answered(a *cluster.Answer) {
	t := r.table(a.Call)
	if a.NotOwner {
		r.notOwner(t, a)
		return
	}
	c, ok := t.remove(a.Call)
	if !ok {
		r.cfg.Metrics.strays.Inc()
		return
	}
	r.pending.Add(-1)
	c.waiter.Answered(a)
}

// notOwner sends a call to a newer owner than the one asked, or pauses it.
func (r *Router) notOwner(t *table, a *cluster.Answer) {
	r.cfg.Metrics.notOwner.Inc()
	now := time.Since(r.began)

	t.mu.Lock()
	c, ok := t.calls[a.Call]
	if !ok {
		t.mu.Unlock()
		r.cfg.Metrics.strays.Inc()
		return
	}
	r.hint(c.cmd.Shard, a.Owner)
	owner := r.owner(c.cmd.Shard)
	// Epochs only grow, so at most one immediate resend per real change of owner.
	again := owner.Owned() && owner.Epoch > c.asked
	if again {
		c.asked, c.pause, c.next, c.silent = owner.Epoch, 0, now+r.cfg.Resend, true
	} else {
		c.pause = min(max(2*c.pause, firstPause), maxPause)
		c.next, c.silent = now+c.pause, false
	}
	t.calls[a.Call] = c
	t.mu.Unlock()

	if again {
		r.cfg.Metrics.resent.WithLabelValues(resentNotOwner).Inc()
		r.mesh.SendCommand(owner.Address, c.cmd)
	}
}

// Call sends cmd and waits for the answer. The error is that of ctx; the command
// may still be carried out then.
func (r *Router) Call(ctx context.Context, cmd *cluster.Command) (*cluster.Answer, error) {
	w := make(chanWaiter, 1)
	r.Do(cmd, w)
	select {
	case a := <-w:
		return a, nil
	case <-ctx.Done():
	}
	if _, waits := r.table(cmd.Call).remove(cmd.Call); waits {
		r.pending.Add(-1)
		r.cfg.Metrics.given.WithLabelValues(givenCaller).Inc()
		return nil, context.Cause(ctx)
	}
	// The answer was on its way.
	return <-w, nil
}

type chanWaiter chan *cluster.Answer

func (w chanWaiter) Answered(a *cluster.Answer) { w <- a }

// Pending is the number of calls that wait.
func (r *Router) Pending() int { return int(r.pending.Load()) }

func (r *Router) table(id uint64) *table { return &r.tables[id%tables] }

func (r *Router) giveUp(w Waiter, id uint64, reason, text string) {
	r.cfg.Metrics.given.WithLabelValues(reason).Inc()
	w.Answered(&cluster.Answer{
		Call: id, Code: clientv1.Code_CODE_UNAVAILABLE, Text: text,
		RetryAfterMs: uint64(retryUnavailable.Milliseconds()),
	})
}

// owner is the newer of what the routes say and what a node has said.
func (r *Router) owner(s cluster.ShardID) cluster.Route {
	owner := r.routes.Owner(s)
	if h := r.hints[s].Load(); h != nil {
		if h.Epoch > owner.Epoch {
			return *h
		}
		r.hints[s].CompareAndSwap(h, nil)
	}
	return owner
}

// hint remembers an owner that a node has named. An owner that the routes name
// at the same epoch or a later one needs no memory.
func (r *Router) hint(s cluster.ShardID, owner cluster.Route) {
	if !owner.Owned() || owner.Address == "" || owner.Epoch <= r.owner(s).Epoch {
		return
	}
	r.hints[s].Store(&owner)
}

// shardOf is the shard that a command is for; false for the pseudo-actor of a
// shard that does not exist.
func shardOf(to cluster.ActorID, n int) (cluster.ShardID, bool) {
	if to.Kind != cluster.ShardKind {
		return to.Shard(n), true
	}
	s, err := strconv.ParseUint(to.ID, 10, 32)
	return cluster.ShardID(s), err == nil && s < uint64(n)
}
