package cluster

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	clientv3 "go.etcd.io/etcd/client/v3"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// format is the version of the keys and values that this program reads and
// writes.
const format = 1

// View is what a process knows of the cluster. Its snapshots are kept fresh by
// a watch; they may be late, and are never torn. All methods may be called from
// any goroutine.
type View struct {
	client *clientv3.Client
	cfg    Config
	keys   keys
	id     string
	shards int
	page   int64 // listPage, unless a test wants smaller pages

	snap     atomic.Pointer[snapshot]
	lastWord lastWord

	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// OpenView connects to the cluster under cfg.Prefix, creating it when there is
// none (see Config.Existing), and returns once a first snapshot was read. The client stays the
// caller's, to be closed after the View.
func OpenView(ctx context.Context, client *Client, cfg Config) (*View, error) {
	return openView(ctx, client, cfg, listPage)
}

func openView(ctx context.Context, client *Client, cfg Config, page int64) (*View, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	v := &View{client: client, cfg: cfg, keys: keys{cfg.Prefix}, page: page}
	if err := v.found(ctx); err != nil {
		return nil, err
	}
	snap, err := v.list(ctx)
	if err != nil {
		return nil, unavailable("list cluster", err)
	}
	v.snap.Store(snap)

	feedCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	v.cancel = cancel
	v.wg.Go(func() { v.feed(feedCtx) })
	return v, nil
}

// found reads /cluster, after creating it if it is absent.
func (v *View) found(ctx context.Context) error {
	n := v.cfg.Shards
	if n == 0 {
		n = DefaultShards
	}
	key := v.keys.cluster()
	fresh := &clusterv1.Cluster{Id: strings.ToLower(rand.Text()[:12]), Shards: uint32(n), Format: format, Generation: 1}
	resp, err := v.client.Get(ctx, key)
	if err != nil {
		return unavailable("read cluster", err)
	}
	if len(resp.Kvs) == 0 && v.cfg.Existing {
		return fmt.Errorf("read %s: %w", key, ErrNoCluster)
	}
	if len(resp.Kvs) == 0 {
		// Whoever comes first decides. When this Txn's own answer is lost, the
		// next try reads what it wrote.
		txn, err := v.client.Txn(ctx).
			If(clientv3.Compare(clientv3.ModRevision(key), "=", 0)).
			Then(clientv3.OpPut(key, encode(fresh)), clientv3.OpGet(key)).
			Else(clientv3.OpGet(key)).
			Commit()
		if err != nil {
			return unavailable("create cluster", err)
		}
		resp = (*clientv3.GetResponse)(txn.Responses[len(txn.Responses)-1].GetResponseRange())
	}
	var c clusterv1.Cluster
	if err := decode(resp.Kvs[0].Value, &c); err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	switch {
	case c.GetFormat() > format:
		return fmt.Errorf("read %s: %w: its format is %d, this program knows %d", key, ErrMismatch, c.GetFormat(), format)
	case c.GetShards() == 0 || c.GetShards() > MaxShards:
		return fmt.Errorf("read %s: %w: it has %d shards", key, ErrMismatch, c.GetShards())
	case v.cfg.Shards != 0 && uint32(v.cfg.Shards) != c.GetShards():
		return fmt.Errorf("read %s: %w: it has %d shards for good, configured are %d", key, ErrMismatch, c.GetShards(), v.cfg.Shards)
	}
	v.id, v.shards = c.GetId(), int(c.GetShards())
	return nil
}

// Close stops the watch and waits for it. Snapshots stay readable.
func (v *View) Close() {
	v.cancel()
	v.wg.Wait()
}

// ClusterID tells clusters apart: 12 lower-case letters and digits, chosen when
// the cluster was created.
func (v *View) ClusterID() string { return v.id }

// Shards is the number of shards, fixed for the cluster's life.
func (v *View) Shards() int { return v.shards }

// Routes returns who owns what.
func (v *View) Routes() *Routes { return v.snap.Load().routes }

// Changed is closed when the routes that Routes returns now have been replaced.
// To miss nothing, call Changed before Routes.
func (v *View) Changed() <-chan struct{} { return v.snap.Load().routes.next }

// Nodes returns the nodes that live, by name. The caller must not change them.
func (v *View) Nodes() []*clusterv1.Node { return v.snap.Load().nodes.sorted }

// NodesChanged is to Nodes what Changed is to Routes, and may also be closed for
// another reason.
func (v *View) NodesChanged() <-chan struct{} { return v.snap.Load().next }

// Catalog returns what is for sale.
func (v *View) Catalog() *Catalog { return v.snap.Load().catalog }

// Zones returns the zones there are.
func (v *View) Zones() *Zones { return v.snap.Load().zones }

// Assignments returns which node should own what.
func (v *View) Assignments() *Assignments { return v.snap.Load().assignments }

// AssignmentsChanged is to Assignments what Changed is to Routes.
func (v *View) AssignmentsChanged() <-chan struct{} { return v.snap.Load().assignments.next }

// Shard reads the record of a shard from etcd, not from the snapshot, and the
// revision that last changed it. A shard that was never owned has an empty
// record and revision 0.
func (v *View) Shard(ctx context.Context, s ShardID) (*clusterv1.Shard, int64, error) {
	resp, err := v.client.Get(ctx, v.keys.shard(s))
	if err != nil {
		return nil, 0, unavailable("read shard "+s.String(), err)
	}
	rec := new(clusterv1.Shard)
	if len(resp.Kvs) == 0 {
		return rec, 0, nil
	}
	if err := decode(resp.Kvs[0].Value, rec); err != nil {
		return nil, 0, fmt.Errorf("read shard %s: %w", s, err)
	}
	return rec, resp.Kvs[0].ModRevision, nil
}

// AllShards reads the records of all shards that were ever owned, as of one
// moment.
func (v *View) AllShards(ctx context.Context) (map[ShardID]*clusterv1.Shard, error) {
	resp, err := v.client.Get(ctx, v.keys.shards(), clientv3.WithPrefix())
	if err != nil {
		return nil, unavailable("read shards", err)
	}
	out := make(map[ShardID]*clusterv1.Shard, len(resp.Kvs))
	for _, kv := range resp.Kvs {
		_, name := v.keys.split(string(kv.Key))
		s, ok := parseShard(name, v.shards)
		rec := new(clusterv1.Shard)
		if !ok {
			return nil, fmt.Errorf("read shards: key %q names no shard", kv.Key)
		}
		if err := decode(kv.Value, rec); err != nil {
			return nil, fmt.Errorf("read shard %s: %w", s, err)
		}
		out[s] = rec
	}
	return out, nil
}
