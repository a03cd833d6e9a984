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
}

// FollowOwners calls fn with every change of an owner since revision from,
// inclusive, by revision and shard, until ctx ends or fn returns an error, which
// it returns. Errors: ErrHistoryGone when it cannot begin there or was left
// behind; ErrUnavailable when the connection broke. It can go on from the last
// change then.
func (v *View) FollowOwners(ctx context.Context, from int64, fn func(OwnerChange) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch := v.client.Watch(clientv3.WithRequireLeader(ctx), v.keys.owners(), clientv3.WithPrefix(), clientv3.WithRev(from))
	for resp := range watch {
		if err := resp.Err(); err != nil {
			if errors.Is(err, rpctypes.ErrCompacted) {
				return fmt.Errorf("follow owners from revision %d: %w: it begins with %d", from, ErrHistoryGone, resp.CompactRevision)
			}
			return unavailable("follow owners", err)
		}
		// etcd never splits a revision over two responses.
		var changes []OwnerChange
		for _, ev := range resp.Events {
			if c, ok := v.ownerChange(ev.Kv, ev.Type == mvccpb.DELETE); ok {
				changes = append(changes, c)
			}
		}
		sortChanges(changes)
		for _, c := range changes {
			if err := fn(c); err != nil {
				return err
			}
		}
	}
	return unavailable("follow owners", cmp.Or(ctx.Err(), errors.New("watch closed")))
}

// Owners returns who owns what, by revision and shard, as of one revision of
// etcd. Errors: ErrUnavailable.
func (v *View) Owners(ctx context.Context) (changes []OwnerChange, revision int64, err error) {
	resp, err := v.client.Get(ctx, v.keys.owners(), clientv3.WithPrefix())
	if err != nil {
		return nil, 0, unavailable("read owners", err)
	}
	for _, kv := range resp.Kvs {
		if c, ok := v.ownerChange(kv, false); ok {
			changes = append(changes, c)
		}
	}
	sortChanges(changes)
	return changes, resp.Header.Revision, nil
}

func sortChanges(changes []OwnerChange) {
	slices.SortStableFunc(changes, func(a, b OwnerChange) int {
		return cmp.Or(cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Shard, b.Shard))
	})
}

// ownerChange reads one key of /owners. One that is no shard's is left out, and
// one that cannot be read is nobody's, as everywhere.
func (v *View) ownerChange(kv *mvccpb.KeyValue, deleted bool) (OwnerChange, bool) {
	_, name := v.keys.split(string(kv.Key))
	s, ok := parseShard(name, v.shards)
	c := OwnerChange{Shard: s, Revision: kv.ModRevision}
	if ok && !deleted {
		c.Owner = new(clusterv1.Owner)
		if err := decode(kv.Value, c.Owner); err != nil {
			skip(v.cfg.Logger, dirOwners, change{name: name, rev: kv.ModRevision}, err)
			c.Owner = nil
		}
	}
	return c, ok
}
