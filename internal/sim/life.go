package sim

import (
	"context"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
)

// life is one incarnation of a node: a lease, a log, shards. Nothing of it
// survives its end but what it has sent.
type life struct {
	w      *World
	p      *process
	inc    cluster.Incarnation // "" until it has a lease
	member *cluster.Simulated
	log    *nodeLog
	outbox outbox
	fibers []*fiber
	over   bool

	// shards is the routing table: nil where a shard is not served here.
	shards []*hosted
	// lots hold what arrives for shards on their way.
	lots [](*lot)
	// successors are the owners of shards that were moved away.
	successors []cluster.Route
	claiming   []bool
	rests      []time.Duration // until when a shard that could not be claimed is left alone
	moves      moves
	draining   bool

	purging lock
	stirred []func() // who waits for a change of the view, or for stir
	unsure  bool
}

func newLife(p *process) *life {
	n := p.w.weather.shards
	l := &life{
		w: p.w, p: p,
		shards: make([]*hosted, n), lots: make([]*lot, n), successors: make([]cluster.Route, n),
		claiming: make([]bool, n), rests: make([]time.Duration, n), moves: newMoves(n),
	}
	l.outbox.l = l
	return l
}

func (l *life) name() string {
	if l.inc == "" {
		return string(l.p.name)
	}
	return string(l.inc)
}

// soon plans fn for now, behind what is planned for now already.
func (l *life) soon(fn func()) { l.push(0, nil, fn) }

// after plans fn for when d has passed by the process's clock.
func (l *life) after(d time.Duration, fn func()) { l.push(l.p.real(d), nil, fn) }

// timer is after, with a handle.
func (l *life) timer(d time.Duration, fn func()) *timer {
	t := new(timer)
	l.push(l.p.real(d), t, fn)
	return t
}

func (l *life) push(d time.Duration, t *timer, fn func()) {
	l.w.order++
	l.w.queue.push(event{at: l.w.now + d, order: l.w.order, fn: fn, on: l.p, of: l, timer: t})
}

// end is what a crash does.
func (l *life) end() {
	l.over = true
	for _, fb := range l.fibers {
		if !fb.over {
			fb.over = true
			fb.stop()
		}
	}
	l.p.life = nil
	if l.member != nil {
		l.w.unwatch(l.member.Watched)
	}
}

// stop ends a life that has lost its log or its lease: it drops everything,
// revokes its lease if it can, and begins the next.
func (l *life) stop() {
	if l.over {
		return
	}
	l.w.note(l.name(), "ends")
	l.w.counts.Ends++
	l.end()
	l.revoke(l.p.lease)
	l.w.after(l.w.upTo(300*time.Millisecond), l.p.boot)
}

// revoke asks etcd to end a lease, and does not wait.
func (l *life) revoke(id cluster.LeaseID) {
	if id != 0 {
		l.w.send(l.p.at, l.w.etcdAt(), func() { l.w.etcd.Revoke(int64(id)) })
	}
}

// begin is the start of a node: a lease, a log, its name.
func (l *life) begin() {
	w, p := l.w, l.p
	w.note(p.name, "starts")
	if p.lease != 0 && w.chance(0.5) { // the lock on its data folder proves that its predecessor is dead
		l.revoke(p.lease)
	}
	w.leases++
	id, ttl := cluster.LeaseID(w.leases), w.weather.ttl
	sent := p.clocks()
	_, ok := l.ask(w.etcdAt(), ttl/3, func(reply func(any)) {
		w.etcd.GrantFor(int64(id), ttl, w.now)
		reply(nil)
	})
	if !ok {
		l.soon(l.stop)
		return
	}
	p.lease = id
	l.member = cluster.Simulate(cluster.SimulatedConfig{
		JoinConfig: cluster.JoinConfig{
			Name: p.name, Address: cluster.Address(p.name), Roles: []string{cluster.RoleShard}, Progress: l.progress,
		},
		TTL: ttl, Margin: ttl / 6, Client: w.etcd.Client(carrier{l}), Shards: w.weather.shards,
		Lease: id, Sent: sent, Clocks: p.clocks, Timeout: l.timeout, Rest: l.doze,
		Ping: l.ping,
	})
	l.inc = l.member.Incarnation()
	if err := l.member.Register(l.within(ttl)); err != nil {
		w.note(l.inc, "cannot join: %v", err)
		l.soon(l.stop)
		return
	}
	l.run(func() {
		l.member.Keep(l.within(time.Hour))
		if w.bug.is(doneTrusted) { // a session's Done comes up to a second after etcd has ended the lease
			l.rest(l.within(time.Hour), ttl/6+time.Second)
		}
		l.soon(l.stop)
	})
	// The name comes before the log: whoever finds the log of an incarnation that
	// has no name knows that it is over.
	name := cluster.LogName("log-" + l.inc)
	if _, ok = l.ask(w.logsAt(), time.Second, func(reply func(any)) { w.create(name, l.inc); reply(nil) }); !ok {
		l.soon(l.stop)
		return
	}
	l.log = newNodeLog(l, w.logs[name])
	w.note(l.inc, "has joined")
	w.watch(l.member.Watched, l.p.at, l.stir)
	l.run(l.reconcile)
	l.run(l.checkpoints)
	l.run(l.janitor)
}

// doze is rest for the member's own loops, which may have to wait for a processor:
// a node may go on for long without knowing that it has lost its lease.
func (l *life) doze(ctx context.Context, d time.Duration) bool {
	if !l.w.calm && l.w.chance(l.w.weather.starve) {
		starved := l.w.upTo(3 * l.w.weather.ttl)
		l.w.note(l.inc, "has a goroutine starved for %v", starved)
		return l.rest(l.within(time.Hour), d+starved) && ctx.Err() == nil
	}
	return l.rest(ctx, d)
}

func (l *life) progress() bool { return l.log == nil || l.log.getsOn() }

// within is a context of so much patience.
func (l *life) within(d time.Duration) context.Context { return l.p.within(context.Background(), d) }

func (l *life) timeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return l.p.within(ctx, d), func() {}
}

// ping renews the lease.
func (l *life) ping(ctx context.Context) (time.Duration, error) {
	type renewed struct {
		ttl time.Duration
		ok  bool
	}
	a, ok := l.ask(l.w.etcdAt(), left(ctx), func(reply func(any)) {
		ttl, ok := l.w.etcd.KeepAlive(int64(l.p.lease), l.w.now)
		reply(renewed{ttl, ok})
	})
	if !ok {
		return 0, context.DeadlineExceeded
	}
	if r := a.(renewed); r.ok {
		return r.ttl, nil
	}
	return 0, nil
}

// leased says whether what appends nothing may be answered.
func (l *life) leased() bool {
	return l.member.Valid() || l.w.bug.is(doneTrusted)
}

// stir has those look again who wait for something to change.
func (l *life) stir() {
	waiting := l.stirred
	l.stirred = nil
	for _, wake := range waiting {
		wake()
	}
}

// idle has a fiber wait until stir, but not longer than d.
func (l *life) idle(d time.Duration) {
	l.w.block(func(wake func()) {
		l.stirred = append(l.stirred, wake)
		l.after(d, wake)
	})
}
