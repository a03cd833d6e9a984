package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// ErrHistoryGone: etcd has compacted away some of the changes asked for.
var ErrHistoryGone = errors.New("history of etcd is gone")

// OwnerChange is one change of one shard's owner.
type OwnerChange struct {
	Shard ShardID
	// Revision of etcd that made the change. One revision may change many
	// shards: a lease that ends takes all of its shards along.
	Revision int64
	// Owner is nil when nobody owns the shard any more.
	Owner *clusterv1.Owner
	// Was is the owner before; nil when there was none, or etcd has forgotten.
	Was *clusterv1.Owner
}

// FollowOwners calls fn with every change of an owner since revision from,
// inclusive, by revision and shard, until ctx ends or fn returns an error, which
// it returns. Errors: ErrHistoryGone when it cannot begin there or was left
// behind; ErrUnavailable when the connection broke. It can go on from the last
// change then.
func (v *View) FollowOwners(ctx context.Context, from int64, fn func(OwnerChange) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch := v.client.Watch(clientv3.WithRequireLeader(ctx), v.keys.owners(), clientv3.WithPrefix(), clientv3.WithRev(from), clientv3.WithPrevKV())
	for resp := range watch {
		if err := resp.Err(); err != nil {
			if errors.Is(err, rpctypes.ErrCompacted) {
				return fmt.Errorf("follow owners from revision %d: %w: it begins with %d", from, ErrHistoryGone, resp.CompactRevision)
			}
			return unavailable("follow owners", err)
		}
		// etcd never splits a revision over two responses.
		changes := v.ownerChanges(resp.Events)
		for _, c := range changes {
			if err := fn(c); err != nil {
				return err
			}
		}
	}
	return unavailable("follow owners", cmp.Or(ctx.Err(), errors.New("watch closed")))
}

// ownerChanges reads events by revision and shard. Keys that are no shard's are
// left out.
func (v *View) ownerChanges(events []*clientv3.Event) []OwnerChange {
	var out []OwnerChange
	for _, ev := range events {
		s, ok := v.shardOf(ev.Kv)
		if !ok {
			continue
		}
		c := OwnerChange{Shard: s, Revision: ev.Kv.ModRevision}
		if ev.Type == mvccpb.PUT {
			c.Owner = v.ownerOf(ev.Kv)
		}
		if ev.PrevKv != nil {
			c.Was = v.ownerOf(ev.PrevKv)
		}
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b OwnerChange) int {
		return cmp.Or(cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Shard, b.Shard))
	})
	return out
}

// Ownership is how it stands with one shard.
type Ownership struct {
	Shard ShardID
	// Owner is nil when nobody owns it, and Revision 0.
	Owner    *clusterv1.Owner
	Revision int64
	// Epoch of the owner, or, without one, of the last there was; 0 when the
	// shard was never owned.
	Epoch Epoch
}

// Ownerships reads how it stands with every shard, as of one revision of etcd,
// which it returns. Errors: ErrUnavailable.
func (v *View) Ownerships(ctx context.Context) ([]Ownership, int64, error) {
	resp, err := v.client.Txn(ctx).Then(
		clientv3.OpGet(v.keys.owners(), clientv3.WithPrefix()),
		clientv3.OpGet(v.keys.shards(), clientv3.WithPrefix()),
	).Commit()
	if err != nil {
		return nil, 0, unavailable("read owners", err)
	}
	out := make([]Ownership, v.shards)
	for s := range out {
		out[s].Shard = ShardID(s)
	}
	for _, kv := range resp.Responses[0].GetResponseRange().GetKvs() {
		if s, ok := v.shardOf(kv); ok {
			out[s].Owner, out[s].Revision = v.ownerOf(kv), kv.ModRevision
		}
	}
	for _, kv := range resp.Responses[1].GetResponseRange().GetKvs() {
		s, ok := v.shardOf(kv)
		if !ok {
			continue
		}
		var rec clusterv1.Shard
		if err := decode(kv.Value, &rec); err != nil {
			return nil, 0, fmt.Errorf("read shard %s: %w", s, err)
		}
		out[s].Epoch = Epoch(rec.GetEpoch())
	}
	return out, resp.Header.Revision, nil
}

// shardOf returns the shard that a key of /owners or /shards is of.
func (v *View) shardOf(kv *mvccpb.KeyValue) (ShardID, bool) {
	_, name := v.keys.split(string(kv.Key))
	return parseShard(name, v.shards)
}

// ownerOf reads a value of /owners. One that cannot be read is nobody's, as
// everywhere.
func (v *View) ownerOf(kv *mvccpb.KeyValue) *clusterv1.Owner {
	o := new(clusterv1.Owner)
	if err := decode(kv.Value, o); err != nil {
		dir, name := v.keys.split(string(kv.Key))
		skip(v.cfg.Logger, dir, change{name: name, rev: kv.ModRevision}, err)
		return nil
	}
	return o
}
