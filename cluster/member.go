package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Member is one incarnation of a node: a lease and what stands on it. All
// methods may be called from any goroutine.
type Member struct {
	view  *View
	cfg   JoinConfig
	id    LeaseID
	inc   Incarnation
	lease *lease
	time  passing

	cancel context.CancelCauseFunc
	done   chan struct{}
	err    error // Set before done is closed.

	// acquiring[s] is held during Acquire of shard s, so that what it finds in
	// etcd after losing an answer can only be its own doing.
	acquiring []sync.Mutex

	// node is /nodes/<node>, as last written or read.
	node struct {
		sync.Mutex
		value *clusterv1.Node
		rev   int64
	}
	pending pendingSegments
}

// keep runs until the lease is lost or given up.
func (m *Member) keep(ctx context.Context, ttl time.Duration) {
	p := &pinger{client: pb.NewLeaseClient(m.view.client.ActiveConnection()), id: m.id}
	defer p.close()
	m.keepBy(ctx, ttl, p.ping)
}

// keepBy is keep, with pings of whatever kind.
func (m *Member) keepBy(ctx context.Context, ttl time.Duration, ping func(context.Context) (time.Duration, error)) {
	k := &keeper{
		lease:    m.lease,
		ping:     ping,
		progress: m.cfg.Progress,
		every:    ttl / 6,
		patience: ttl / 3,
		time:     m.time,
		log:      m.view.cfg.Logger.With("incarnation", m.inc),
	}
	err := k.run(ctx)
	m.lease.end()
	m.err = err
	close(m.done)
}

// SetState tells the cluster whether this node takes new work. Errors:
// ErrLeaseLost, ErrUnavailable.
func (m *Member) SetState(ctx context.Context, state clusterv1.NodeState) error {
	m.node.Lock()
	defer m.node.Unlock()
	key := m.view.keys.node(m.cfg.Name)
	next := proto.CloneOf(m.node.value)
	next.State = state
	for {
		out, err := m.commit(ctx, "set state", guard{
			ifs:  []clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(key), "=", m.node.rev)},
			then: []clientv3.Op{clientv3.OpPut(key, encode(next), clientv3.WithLease(m.id))},
			look: []string{key},
		})
		if err != nil {
			return err
		}
		if out.done {
			m.node.value, m.node.rev = next, out.rev
			return nil
		}
		kv := out.found[0]
		if kv == nil || kv.Lease != int64(m.id) {
			return fmt.Errorf("set state: %w", ErrLeaseLost)
		}
		// An earlier call, or a copy of this one, took effect unseen.
		m.node.rev = kv.ModRevision
	}
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
