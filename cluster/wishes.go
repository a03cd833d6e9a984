package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/types/known/timestamppb"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// What an operator wants. The errors say why it cannot be had; nothing was
// written then.
var (
	// ErrNoShard: there is no such shard.
	ErrNoShard = errors.New("no such shard")
	// ErrNoNode: no node of that name lives.
	ErrNoNode = errors.New("no such node")
	// ErrNotShardNode: the node owns no shards, by its role.
	ErrNotShardNode = errors.New("node has no role " + RoleShard)
	// ErrDrained: the node is to be emptied.
	ErrDrained = errors.New("node is drained")
	// ErrPinned: the shard is pinned to another node.
	ErrPinned = errors.New("shard is pinned elsewhere")
)

// PinnedError is an ErrPinned that says where to.
type PinnedError struct {
	Shard ShardID
	Node  NodeName
}

func (e *PinnedError) Error() string { return fmt.Sprintf("shard %s is pinned to %s", e.Shard, e.Node) }

func (e *PinnedError) Unwrap() error { return ErrPinned }

// Assign asks for shard s to be on node n. Its owner moves it there; without one
// n claims it. It holds until somebody or something else moves the shard: see
// Pin. Errors: ErrNoShard, ErrNoNode, ErrNotShardNode, ErrDrained, ErrPinned,
// ErrUnavailable.
func (v *View) Assign(ctx context.Context, s ShardID, n NodeName) error {
	return v.wish(ctx, fmt.Sprintf("assign shard %s to %s", s, n), s, n, func(a *clusterv1.Assignment) error {
		if pin := NodeName(a.GetPinned()); pin != "" && pin != n {
			return &PinnedError{Shard: s, Node: pin}
		}
		a.Node, a.Why = string(n), WhyOperator
		return nil
	})
}

// Pin prefers node n for shard s: while n lives and is not drained the shard is
// moved there and stays. The node need not live now. Errors: ErrNoShard,
// ErrNoNode for what cannot be a node's name, ErrUnavailable.
func (v *View) Pin(ctx context.Context, s ShardID, n NodeName) error {
	what := fmt.Sprintf("pin shard %s to %s", s, n)
	if !validName.MatchString(string(n)) {
		return fmt.Errorf("%s: %w: %q cannot be one", what, ErrNoNode, n)
	}
	return v.wish(ctx, what, s, "", func(a *clusterv1.Assignment) error {
		a.Pinned = string(n)
		return nil
	})
}

// Unpin takes back a Pin. The shard stays where it is. Errors: ErrNoShard,
// ErrUnavailable.
func (v *View) Unpin(ctx context.Context, s ShardID) error {
	return v.wish(ctx, fmt.Sprintf("unpin shard %s", s), s, "", func(a *clusterv1.Assignment) error {
		a.Pinned = ""
		return nil
	})
}

// wish edits the assignment of shard s, under the condition that node n may own
// shards, if it is not "".
func (v *View) wish(ctx context.Context, what string, s ShardID, n NodeName, edit func(*clusterv1.Assignment) error) error {
	if int(s) >= v.shards {
		return fmt.Errorf("%s: %w: there are %d", what, ErrNoShard, v.shards)
	}
	key := v.keys.assignment(s)
	look := []string{key}
	if n != "" {
		look = append(look, v.keys.node(n), v.keys.drained(n))
	}
	gets := make([]clientv3.Op, len(look))
	for i, k := range look {
		gets[i] = clientv3.OpGet(k)
	}
	for {
		resp, err := v.client.Txn(ctx).Then(gets...).Commit()
		if err != nil {
			return unavailable(what, err)
		}
		kvs := found(resp)
		ifs := make([]clientv3.Cmp, len(kvs))
		for i, kv := range kvs {
			ifs[i] = clientv3.Compare(clientv3.ModRevision(look[i]), "=", kv.GetModRevision())
		}
		if n != "" {
			if err := mayOwn(n, kvs[1].GetValue(), kvs[2] != nil); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
		}
		var a, was clusterv1.Assignment
		if kvs[0] != nil {
			// One that cannot be read is taken for absent, as everywhere.
			_ = decode(kvs[0].Value, &a)
			_ = decode(kvs[0].Value, &was)
		}
		if err := edit(&a); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if a.GetNode() == was.GetNode() && a.GetPinned() == was.GetPinned() {
			return nil
		}
		txn, err := v.client.Txn(ctx).If(ifs...).Then(clientv3.OpPut(key, encode(&a))).Commit()
		if err != nil {
			return unavailable(what, err)
		}
		if txn.Succeeded {
			return nil
		}
		// Something changed since it was read: look again.
	}
}

// mayOwn returns nil if a node, of which this is the value of its key, may get
// shards.
func mayOwn(n NodeName, value []byte, drained bool) error {
	if value == nil {
		return fmt.Errorf("%w: %s", ErrNoNode, n)
	}
	var node clusterv1.Node
	if err := decode(value, &node); err != nil {
		return fmt.Errorf("read node %s: %w", n, err)
	}
	switch {
	case !slices.Contains(node.GetRoles(), RoleShard):
		return fmt.Errorf("%w: %s", ErrNotShardNode, n)
	case drained:
		return fmt.Errorf("%w: %s", ErrDrained, n)
	case node.GetState() != clusterv1.NodeState_NODE_STATE_UP:
		return fmt.Errorf("%w: %s shuts down", ErrDrained, n)
	}
	return nil
}

// SetDrained says whether node n is to be empty: the planner moves its shards
// away, pinned ones too, and gives it none. It holds beyond the node's life, so
// that a node can be drained before it comes. Errors: ErrNoNode for what cannot
// be a node's name, ErrUnavailable.
func (v *View) SetDrained(ctx context.Context, n NodeName, drained bool) error {
	what := fmt.Sprintf("set node %s drained %v", n, drained)
	if !validName.MatchString(string(n)) {
		return fmt.Errorf("%s: %w: %q cannot be one", what, ErrNoNode, n)
	}
	key := v.keys.drained(n)
	if !drained {
		_, err := v.client.Delete(ctx, key)
		return unavailable(what, err)
	}
	// If it is already, the time since when is kept.
	_, err := v.client.Txn(ctx).
		If(clientv3.Compare(clientv3.ModRevision(key), "=", 0)).
		Then(clientv3.OpPut(key, encode(&clusterv1.Drained{Since: timestamppb.New(time.Now())}))).
		Commit()
	return unavailable(what, err)
}

// Drained says whether an operator wants node n empty. A node that shuts down
// says so itself, by its state.
func (v *View) Drained(n NodeName) bool { return v.snap.Load().drained[n] }
