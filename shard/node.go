package shard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/broadcast"
	"github.com/holdfast-game/holdfast/cluster/peer"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Node hosts the shards that its process owns, through all the incarnations of
// that process.
type Node struct {
	cfg  Config
	deps Deps

	// current is the incarnation that serves; nil between two.
	current atomic.Pointer[incarnation]
}

// Deps are what a Node works with. The caller keeps them open until Run has
// returned.
type Deps struct {
	View      *cluster.View
	Mesh      *peer.Mesh
	JetStream jetstream.JetStream
	Bus       *broadcast.Bus

	// Join is how each incarnation joins; Address and Progress are filled in.
	// Predecessor is used by the first only.
	Join cluster.JoinConfig
	// Joined is told the lease of each incarnation, before it owns anything, so
	// that the process's successor can revoke it. May be nil.
	Joined func(cluster.LeaseID) error
	// Moved keeps the receipt of a shard that was moved away, or was not after
	// all. It may block, and may be nil.
	Moved func(context.Context, *clusterv1.MoveReceipt) error
	// Record keeps account of who owns what while m is the coordinator. It runs
	// for as long as m is a member, again after an error, and may be nil.
	Record func(ctx context.Context, m *cluster.Member) error
}

// NewNode returns a node that does nothing until Run.
func NewNode(cfg Config, deps Deps) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	n := &Node{cfg: cfg.withDefaults(), deps: deps}
	deps.Mesh.HandleCommands(n.command)
	deps.Mesh.HandleMessages(n.message)
	deps.Mesh.HandleHandoffs(n.handoff)
	return n, nil
}

// rejoinPause is how long a node waits between two incarnations, so that one
// that is fenced again and again does not keep the cluster busy.
const rejoinPause = 200 * time.Millisecond

// Run joins the cluster and serves until ctx is done; then it drains: it
// finishes what is under way, checkpoints, and releases its shards, which takes
// until drain is done at most. An incarnation that loses its lease or its log
// is followed by the next. An error is returned only for the first: a node that
// has once been in the cluster keeps trying to come back.
func (n *Node) Run(ctx context.Context, drain time.Duration) error {
	join := n.deps.Join
	for first := true; ; first = false {
		inc, err := n.begin(ctx, join)
		switch {
		case err != nil && first:
			return err
		case err != nil:
			n.cfg.Logger.Error("cannot join the cluster again yet", "err", err)
		default:
			join.Predecessor = inc.member.LeaseID()
			n.current.Store(inc)
			err = inc.run(drain)
			n.current.Store(nil)
			inc.end()
			if ctx.Err() != nil {
				return nil
			}
			n.cfg.Logger.Warn("incarnation ended", "incarnation", inc.member.Incarnation(), "why", err)
			n.cfg.Metrics.incarnations.Inc()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(rejoinPause):
		}
	}
}

// begin starts one incarnation: addresses first, then the lease, then the log.
func (n *Node) begin(ctx context.Context, join cluster.JoinConfig) (_ *incarnation, err error) {
	inc := &incarnation{
		node: n, cfg: n.cfg, view: n.deps.View, mesh: n.deps.Mesh, bus: n.deps.Bus, js: n.deps.JetStream,
		metrics: n.cfg.Metrics, shards: make([]atomic.Pointer[hosted], n.deps.View.Shards()),
		lots: make([]atomic.Pointer[lot], n.deps.View.Shards()), successors: make([]atomic.Pointer[cluster.Route], n.deps.View.Shards()),
		latency: newLatency(), verifier: newVerifier(), stirred: make(chan struct{}, 1), handingBack: make(chan struct{}),
		failures: make(chan failure, n.deps.View.Shards()),
		pauses:   make(map[cluster.ShardID]time.Time),
	}
	inc.ctx, inc.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	inc.drain = ctx.Done()
	inc.moves = newMoves(inc.ctx)
	defer func() {
		if err != nil {
			inc.end()
		}
	}()
	if join.Address, err = n.deps.Mesh.Start(ctx); err != nil {
		return nil, fmt.Errorf("open the peer listener: %w", err)
	}
	inc.system = n.deps.Mesh.System()
	join.Progress = inc.progress
	if inc.member, err = cluster.Join(ctx, n.deps.View, join); err != nil {
		return nil, fmt.Errorf("join the cluster: %w", err)
	}
	inc.leased = inc.member.Valid
	inc.log = n.cfg.Logger.With("incarnation", inc.member.Incarnation())
	if n.deps.Joined != nil {
		if err := n.deps.Joined(inc.member.LeaseID()); err != nil {
			return nil, fmt.Errorf("record the lease: %w", err)
		}
	}
	if slices.Contains(join.Roles, cluster.RoleShard) {
		if err := inc.open(ctx); err != nil {
			return nil, err
		}
	}
	if n.deps.Record != nil {
		inc.goRun(func(ctx context.Context) { inc.office(ctx, "record changes of ownership", n.deps.Record) })
	}
	inc.log.Info("joined the cluster", "address", join.Address, "roles", join.Roles)
	return inc, nil
}

// Ready is nil when the node serves every shard that is assigned to it, and has
// at least joined.
func (n *Node) Ready() error {
	inc := n.current.Load()
	if inc == nil {
		return errors.New("not in the cluster")
	}
	return inc.ready()
}

// command takes a command that a gateway sent to this node.
func (n *Node) command(c *cluster.Command) {
	inc := n.current.Load()
	if inc == nil {
		n.deps.Mesh.SendAnswer(c.ReplyTo, &cluster.Answer{Call: c.Call, NotOwner: true})
		return
	}
	inc.command(c)
}

// message takes a message that an actor on another node sent to one on this.
func (n *Node) message(m *cluster.Message) {
	if inc := n.current.Load(); inc != nil {
		inc.message(m)
	}
}

// handoff takes what another node says about moving a shard.
func (n *Node) handoff(h *clusterv1.Handoff) {
	if inc := n.current.Load(); inc != nil {
		inc.handoff(h)
	}
}

// logName is the log of an incarnation. JetStream names have no dots.
func logName(clusterID string, inc cluster.Incarnation) cluster.LogName {
	name := []byte("hf_" + clusterID + "_log_" + string(inc))
	for i, c := range name {
		ok := c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !ok {
			name[i] = '-'
		}
	}
	return cluster.LogName(name)
}
