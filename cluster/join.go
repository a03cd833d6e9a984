package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"
	"unicode/utf8"

	clientv3 "go.etcd.io/etcd/client/v3"

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

// Join makes this process a member: it takes a lease, puts its name on it, and
// keeps it alive until Leave, Close or a loss. Errors: ErrNameTaken,
// ErrUnavailable.
func Join(ctx context.Context, v *View, cfg JoinConfig) (*Member, error) {
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
		lease:     newLease(readClocks, v.cfg.Margin),
		done:      make(chan struct{}),
		acquiring: make([]sync.Mutex, v.shards),
	}
	sent := readClocks()
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
		Started:      m.now(),
	}
	out, err := m.commit(ctx, "put node", guard{
		ifs:  []clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(key), "=", 0)},
		then: []clientv3.Op{clientv3.OpPut(key, encode(n), clientv3.WithLease(m.id))},
		look: []string{key},
	})
	if err != nil {
		return err
	}
	m.node.value, m.node.rev = n, out.rev
	if out.done {
		return nil
	}
	kv := out.found[0]
	if kv == nil {
		return fmt.Errorf("%w: %q, until just now", ErrNameTaken, m.cfg.Name)
	}
	var present clusterv1.Node
	if err := decode(kv.Value, &present); err != nil {
		return fmt.Errorf("read node %q: %w", m.cfg.Name, err)
	}
	if present.GetIncarnation() != string(m.inc) {
		return fmt.Errorf("%w: %q, by %s at %s", ErrNameTaken, m.cfg.Name, present.GetIncarnation(), present.GetAddress())
	}
	m.node.rev = kv.ModRevision // A copy whose answer was lost has put it there.
	return nil
}
