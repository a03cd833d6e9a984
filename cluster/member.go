package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"
	"unicode/utf8"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// RoleShard is the role of nodes that own shards.
const RoleShard = "shard"

// JoinConfig says who joins.
type JoinConfig struct {
	// Name of the node: 1 to 63 letters, digits, dashes and underscores.
	Name NodeName
	// Address at which peers reach it.
	Address Address
	// AdminAddress is "" when others cannot reach its admin listener.
	AdminAddress string
	Roles        []string
	Labels       map[string]string
	Version      string

	// Predecessor is the lease of this node's former process, which the caller
	// knows to be dead because it holds the lock on the data folder; 0 when
	// there is none. It is revoked first, so that a restart waits for nothing.
	Predecessor LeaseID

	// Progress says whether the node still can do its work. The lease is kept
	// alive only while it does. nil is always. It must not block.
	Progress func() bool
}

// Validate says which field cannot work, and why.
func (c JoinConfig) Validate() error {
	if !validName.MatchString(string(c.Name)) {
		return fmt.Errorf("join config: Name: %q, must match %s", c.Name, validName)
	}
	if c.Address == "" {
		return errors.New("join config: Address: empty")
	}
	texts := append([]string{string(c.Address), c.AdminAddress, c.Version}, c.Roles...)
	for k, v := range c.Labels {
		texts = append(texts, k, v)
	}
	for _, t := range texts {
		if !utf8.ValidString(t) {
			return fmt.Errorf("join config: %q is not UTF-8", t)
		}
	}
	return nil
}

// Member is one incarnation of a node: a lease and what stands on it. All
// methods may be called from any goroutine.
type Member struct {
	view  *View
	cfg   JoinConfig
	id    LeaseID
	inc   Incarnation
	lease *lease

	cancel context.CancelCauseFunc
	done   chan struct{}
	err    error // Set before done is closed.

	// acquiring[s] is held during Acquire of shard s, so that what it finds in
	// etcd after losing an answer can only be its own doing.
	acquiring []sync.Mutex

	// node guards the value of /nodes/<node>.
	node struct {
		sync.Mutex
		value *clusterv1.Node
	}
	pending pendingSegments
}

// Join makes this process a member: it takes a lease, puts its name on it, and
// keeps it alive until Leave, Close or a loss. Errors: ErrNameTaken,
// ErrUnavailable.
func Join(ctx context.Context, v *View, cfg JoinConfig) (*Member, error) {
	return join(ctx, v, cfg, readClocks)
}

func join(ctx context.Context, v *View, cfg JoinConfig, clocks func() instant) (*Member, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Progress == nil {
		cfg.Progress = func() bool { return true }
	}
	if cfg.Predecessor != 0 {
		if err := revoke(ctx, v.client, cfg.Predecessor); err != nil {
			return nil, fmt.Errorf("join: revoke predecessor's lease: %w", err)
		}
	}
	m := &Member{
		view:      v,
		cfg:       cfg,
		lease:     newLease(clocks, v.cfg.Margin),
		done:      make(chan struct{}),
		acquiring: make([]sync.Mutex, v.shards),
	}
	sent := clocks()
	grant, err := v.client.Grant(ctx, int64(v.cfg.TTL/time.Second))
	if err != nil {
		return nil, unavailable("join: take a lease", err)
	}
	ttl := time.Duration(grant.TTL) * time.Second
	m.id, m.inc = grant.ID, incarnationOf(cfg.Name, grant.ID)
	m.lease.renew(sent, ttl)
	if err := m.register(ctx); err != nil {
		m.lease.end()
		// If this fails too, the lease runs out by itself.
		_ = revoke(ctx, v.client, m.id)
		return nil, fmt.Errorf("join: %w", err)
	}

	loopCtx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	m.cancel = cancel
	go m.keep(loopCtx, ttl)
	return m, nil
}

// keep runs until the lease is lost or given up.
func (m *Member) keep(ctx context.Context, ttl time.Duration) {
	p := &pinger{client: pb.NewLeaseClient(m.view.client.ActiveConnection()), id: m.id}
	k := &keeper{
		lease:    m.lease,
		ping:     p.ping,
		progress: m.cfg.Progress,
		every:    ttl / 6,
		patience: ttl / 3,
		log:      m.view.cfg.Logger.With("incarnation", m.inc),
	}
	err := k.run(ctx)
	p.close()
	m.lease.end()
	m.err = err
	close(m.done)
}

// register puts /nodes/<node> if nobody has it.
func (m *Member) register(ctx context.Context) error {
	key := m.view.keys.node(m.cfg.Name)
	n := &clusterv1.Node{
		Name:         string(m.cfg.Name),
		Address:      string(m.cfg.Address),
		AdminAddress: m.cfg.AdminAddress,
		Incarnation:  string(m.inc),
		Labels:       maps.Clone(m.cfg.Labels),
		Version:      m.cfg.Version,
		State:        clusterv1.NodeState_NODE_STATE_UP,
		Roles:        m.cfg.Roles,
		Started:      timestamppb.Now(),
	}
	out, err := m.commit(ctx, "put node", guard{
		ifs:  []clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(key), "=", 0)},
		then: []clientv3.Op{clientv3.OpPut(key, encode(n), clientv3.WithLease(m.id))},
		look: []string{key},
	})
	if err != nil {
		return err
	}
	if !out.done {
		var present clusterv1.Node
		if kv := out.found[0]; kv != nil {
			if err := decode(kv.Value, &present); err != nil {
				return fmt.Errorf("read node %q: %w", m.cfg.Name, err)
			}
		}
		if present.GetIncarnation() != string(m.inc) {
			return fmt.Errorf("%w: %q, by %s at %s", ErrNameTaken, m.cfg.Name, present.GetIncarnation(), present.GetAddress())
		}
	}
	m.node.value = n
	return nil
}

// SetState tells the cluster whether this node takes new work. Errors:
// ErrLeaseLost, ErrUnavailable.
func (m *Member) SetState(ctx context.Context, state clusterv1.NodeState) error {
	m.node.Lock()
	defer m.node.Unlock()
	key := m.view.keys.node(m.cfg.Name)
	next := proto.CloneOf(m.node.value)
	next.State = state
	out, err := m.commit(ctx, "set state", guard{
		// The name cannot have changed hands while the key is on this lease.
		ifs:  []clientv3.Cmp{clientv3.Compare(clientv3.LeaseValue(key), "=", m.id)},
		then: []clientv3.Op{clientv3.OpPut(key, encode(next), clientv3.WithLease(m.id))},
	})
	if err != nil {
		return err
	}
	if !out.done {
		return fmt.Errorf("set state: %w", ErrLeaseLost)
	}
	m.node.value = next
	return nil
}

// Name returns the node's name.
func (m *Member) Name() NodeName { return m.cfg.Name }

// Incarnation names this life of this process. It is fit to be part of a stream
// name.
func (m *Member) Incarnation() Incarnation { return m.inc }

// LeaseID is what a successor on the same data folder gives as Predecessor.
func (m *Member) LeaseID() LeaseID { return m.id }

// Valid says whether the lease certainly stands at this moment, so that nobody
// else can own a shard of this member's. To answer from state: read the state,
// then call Valid, then answer.
func (m *Member) Valid() bool { return m.lease.valid() }

// Done is closed when this incarnation is over; Valid is false before that.
func (m *Member) Done() <-chan struct{} { return m.done }

// Err is nil before Done is closed, and then says why: ErrLeaseLost or ErrLeft.
func (m *Member) Err() error {
	select {
	case <-m.done:
		return m.err
	default:
		return nil
	}
}

// Assigned returns the shards that this node should own, ascending.
func (m *Member) Assigned() []ShardID { return m.view.Assignments().Of(m.cfg.Name) }

// AssignedChanged is closed when the assignments as of now have been replaced.
// To miss nothing, call it before Assigned.
func (m *Member) AssignedChanged() <-chan struct{} { return m.view.AssignmentsChanged() }

// Leave ends the incarnation and revokes its lease: its name and its shards are
// free at once. Every actor must have been dropped before. It may be called
// again after an error, and after a loss.
func (m *Member) Leave(ctx context.Context) error {
	m.stop()
	if err := revoke(ctx, m.view.client, m.id); err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	return nil
}

// Close ends the incarnation and leaves its lease to run out, as a crash would.
func (m *Member) Close() { m.stop() }

func (m *Member) stop() {
	m.cancel(ErrLeft)
	<-m.done
}

func revoke(ctx context.Context, client *clientv3.Client, id LeaseID) error {
	_, err := client.Revoke(ctx, id)
	if err == nil || errors.Is(err, rpctypes.ErrLeaseNotFound) {
		return nil
	}
	return unavailable("revoke lease", err)
}
