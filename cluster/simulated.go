package cluster

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
)

// Simulated is a member, with a view of its own, that starts no goroutine and
// needs no connection: whoever simulates a cluster calls what would otherwise
// run by itself, and lets time pass. Everything else is a Member as it always
// is. Its methods block where a Member's would, in SimulatedConfig.Rest and in
// calls of the client.
type Simulated struct {
	*Member
	*Watched
	ping func(context.Context) (time.Duration, error)
	ttl  time.Duration
}

// SimulatedConfig is what a simulated member has instead of a process. All
// fields are required.
type SimulatedConfig struct {
	JoinConfig
	// TTL and Margin are as in Config.
	TTL, Margin time.Duration
	// Client speaks to a model of etcd; nothing but its KV is used.
	Client *Client
	Shards int
	// Lease was granted to a request that was sent at Sent.
	Lease LeaseID
	Sent  Instant

	// Clocks reads the process's clocks.
	Clocks func() Instant
	// Timeout is context.WithTimeout, in simulated time.
	Timeout func(context.Context, time.Duration) (context.Context, context.CancelFunc)
	// Rest waits, and is false when ctx ended meanwhile.
	Rest func(context.Context, time.Duration) bool
	// Ping renews the lease and returns for how long, 0 when there is none.
	Ping func(context.Context) (time.Duration, error)
}

// Instant is one reading of a process's clocks: since it began, and since 1970.
type Instant struct{ Mono, Wall time.Duration }

// Simulate makes a member of a simulated process. Register and Keep must follow.
func Simulate(cfg SimulatedConfig) *Simulated {
	clocks := func() instant { t := cfg.Clocks(); return instant{mono: t.Mono, wall: t.Wall} }
	w := WatchSimulated(cfg.Client, cfg.Shards)
	w.View.cfg.TTL, w.View.cfg.Margin = cfg.TTL, cfg.Margin
	m := &Member{
		view:      w.View,
		cfg:       cfg.JoinConfig,
		id:        cfg.Lease,
		inc:       incarnationOf(cfg.Name, cfg.Lease),
		lease:     newLease(clocks, cfg.Margin),
		time:      passing{within: cfg.Timeout, rest: cfg.Rest},
		done:      make(chan struct{}),
		acquiring: make([]sync.Mutex, cfg.Shards),
	}
	m.lease.renew(instant{mono: cfg.Sent.Mono, wall: cfg.Sent.Wall}, cfg.TTL)
	ping := func(ctx context.Context) (time.Duration, error) {
		ttl, err := cfg.Ping(ctx)
		if err == nil && ttl <= 0 {
			err = errLeaseGone
		}
		return ttl, err
	}
	return &Simulated{Member: m, Watched: w, ping: ping, ttl: cfg.TTL}
}

// Register is the part of Join that puts the node's name on its lease.
func (s *Simulated) Register(ctx context.Context) error { return s.register(ctx) }

// Keep keeps the lease alive, and returns when it is lost.
func (s *Simulated) Keep(ctx context.Context) { s.keepBy(ctx, s.ttl, s.ping) }

// Watched is a View whose watch is the caller's business.
type Watched struct{ View *View }

// KeyChange is a key that was put, or deleted.
type KeyChange struct {
	Key     string
	Value   []byte
	Rev     int64
	Deleted bool
}

// WatchSimulated returns a view that knows nothing yet.
func WatchSimulated(client *Client, shards int) *Watched {
	cfg := Config{Prefix: SimulatedPrefix, Shards: shards, Logger: slog.New(slog.DiscardHandler)}.withDefaults()
	v := &View{client: client, cfg: cfg, keys: keys{cfg.Prefix}, shards: shards, page: listPage}
	v.snap.Store(emptySnapshot(shards))
	return &Watched{View: v}
}

// SimulatedPrefix is where the keys of simulated clusters stand.
const SimulatedPrefix = "/sim"

// Replace is what a listing brings, as after a compaction: everything that etcd
// has at a revision.
func (w *Watched) Replace(rev int64, all []KeyChange) {
	w.View.publish(emptySnapshot(w.View.shards).apply(rev, w.collected(all), w.View.cfg.Logger))
}

// Deliver is what a watch brings: changes, in order, that follow upon those
// delivered before.
func (w *Watched) Deliver(events []KeyChange) {
	if len(events) == 0 {
		return
	}
	last := events[len(events)-1].Rev
	w.View.publish(w.View.snap.Load().apply(last, w.collected(events), w.View.cfg.Logger))
}

func (w *Watched) collected(events []KeyChange) map[string][]change {
	changes := make(map[string][]change)
	for _, e := range events {
		w.View.collect(changes, &mvccpb.KeyValue{Key: []byte(e.Key), Value: e.Value, ModRevision: e.Rev}, e.Deleted)
	}
	return changes
}

// Revision is the last that the view knows of.
func (w *Watched) Revision() int64 { return w.View.snap.Load().rev }
