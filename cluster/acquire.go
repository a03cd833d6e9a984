package cluster

import (
	"context"
	"fmt"
	"slices"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Acquire makes this member the owner of a shard that nobody owns, at the next
// epoch. A shard that is this member's already, because the answer to an
// earlier Acquire was lost or its holding was forgotten, is acquired anew: that
// ends the earlier holding, and the caller must have stopped serving it.
// Errors: ErrOwned, ErrLeaseLost, ErrUnavailable, ErrRolledBack.
func (m *Member) Acquire(ctx context.Context, s ShardID) (*Holding, error) {
	if int(s) >= m.view.shards {
		return nil, fmt.Errorf("acquire shard %s: there are %d", s, m.view.shards)
	}
	if err := m.Err(); err != nil {
		return nil, fmt.Errorf("acquire shard %s: %w", s, err)
	}
	m.acquiring[s].Lock()
	defer m.acquiring[s].Unlock()

	what := "acquire shard " + s.String()
	ownerKey, shardKey := m.view.keys.owner(s), m.view.keys.shard(s)
	kvs, err := m.read(ctx, what, ownerKey, shardKey)
	if err != nil {
		return nil, err
	}
	for {
		was, err := readOwnership(s, kvs)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		if was.owner != nil && was.owner.GetIncarnation() != string(m.inc) {
			m.pending.settleShard(s, was.owner.GetEpoch())
			return nil, &OwnedError{Shard: s, Owner: was.route()}
		}
		next := proto.CloneOf(was.record)
		next.Epoch++
		owner := &clusterv1.Owner{
			Node:        string(m.cfg.Name),
			Incarnation: string(m.inc),
			Address:     string(m.cfg.Address),
			Epoch:       next.GetEpoch(),
			Since:       m.now(),
		}
		out, err := m.commit(ctx, what, guard{
			ifs: []clientv3.Cmp{
				// Revision 0: the key is absent.
				clientv3.Compare(clientv3.ModRevision(ownerKey), "=", was.ownerRev),
				clientv3.Compare(clientv3.ModRevision(shardKey), "=", was.shardRev),
			},
			then: []clientv3.Op{
				clientv3.OpPut(ownerKey, encode(owner), clientv3.WithLease(m.id)),
				clientv3.OpPut(shardKey, encode(next)),
			},
			look: []string{ownerKey, shardKey},
		})
		if err != nil {
			return nil, err
		}
		if out.done {
			m.pending.settleShard(s, next.GetEpoch())
			return newHolding(s, next, out.rev), nil
		}
		kvs = out.found
		if !out.unsure {
			continue // Somebody was faster. See who.
		}
		now, err := readOwnership(s, kvs)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		// Only this call can have put this incarnation there at this epoch.
		if now.owner.GetIncarnation() == string(m.inc) && now.owner.GetEpoch() == next.GetEpoch() {
			m.pending.settleShard(s, next.GetEpoch())
			return newHolding(s, now.record, now.ownerRev), nil
		}
	}
}

func newHolding(s ShardID, rec *clusterv1.Shard, rev int64) *Holding {
	return &Holding{Shard: s, Epoch: Epoch(rec.GetEpoch()), Record: rec, record: rec, ownerRev: rev, shardRev: rev}
}

// ownership is /owners/s and /shards/s as they stood at one moment.
type ownership struct {
	owner              *clusterv1.Owner // nil when nobody owns the shard
	record             *clusterv1.Shard // empty when it was never owned
	ownerRev, shardRev int64            // 0 where there is no key
}

func (o *ownership) route() Route {
	if o.owner == nil {
		return Route{}
	}
	return routeOf(o.owner)
}

// readOwnership decodes /owners/s and /shards/s. Both are written by one Txn at
// every change of ownership: if they disagree, etcd was tampered with or put
// together from different copies.
func readOwnership(s ShardID, kvs []*mvccpb.KeyValue) (*ownership, error) {
	o := &ownership{record: new(clusterv1.Shard)}
	if kv := kvs[0]; kv != nil {
		o.owner, o.ownerRev = new(clusterv1.Owner), kv.ModRevision
		if err := decode(kv.Value, o.owner); err != nil {
			return nil, fmt.Errorf("read owner of shard %s: %w", s, err)
		}
	}
	if kv := kvs[1]; kv != nil {
		o.shardRev = kv.ModRevision
		if err := decode(kv.Value, o.record); err != nil {
			return nil, fmt.Errorf("read shard %s: %w", s, err)
		}
	}
	if o.owner != nil && o.owner.GetEpoch() != o.record.GetEpoch() {
		return nil, fmt.Errorf("%w: shard %s is owned at epoch %d and its record is at %d", ErrRolledBack, s, o.owner.GetEpoch(), o.record.GetEpoch())
	}
	return o, nil
}

// Owned returns the shards that etcd has as this incarnation's, ascending.
// Errors: ErrUnavailable.
func (m *Member) Owned(ctx context.Context) ([]ShardID, error) {
	resp, err := m.view.client.Get(ctx, m.view.keys.owners(), clientv3.WithPrefix())
	if err != nil {
		return nil, unavailable("read owners", err)
	}
	var out []ShardID
	for _, kv := range resp.Kvs {
		_, name := m.view.keys.split(string(kv.Key))
		var o clusterv1.Owner
		s, ok := parseShard(name, m.view.shards)
		if !ok {
			return nil, fmt.Errorf("read owners: key %q names no shard", kv.Key)
		}
		if err := decode(kv.Value, &o); err != nil {
			return nil, fmt.Errorf("read owner of shard %s: %w", s, err)
		}
		if o.GetIncarnation() == string(m.inc) {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out, nil
}
