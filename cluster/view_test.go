package cluster_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/metadata"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/clustertest"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

func TestClusterIsFoundedOnce(t *testing.T) {
	e := clustertest.Start(t)
	ids := make([]string, 8)
	var wg sync.WaitGroup
	for i := range ids {
		client := e.Client()
		wg.Go(func() {
			v, err := cluster.OpenView(t.Context(), client, cluster.Config{Shards: 16})
			if err != nil {
				t.Error(err)
				return
			}
			defer v.Close()
			ids[i] = v.ClusterID()
		})
	}
	wg.Wait()
	if got := slices.Compact(ids); len(got) != 1 || len(got[0]) != 12 {
		t.Errorf("ids: got %q, want one of 12 characters", got)
	}
	if v := e.View(cluster.Config{}); v.Shards() != 16 || v.ClusterID() != ids[0] {
		t.Errorf("got %d shards and id %s, want 16 and %s", v.Shards(), v.ClusterID(), ids[0])
	}
	_, err := cluster.OpenView(t.Context(), e.Client(), cluster.Config{Shards: 64})
	wantErr(t, "open with another number of shards", err, cluster.ErrMismatch)
	if _, err := e.Client().Put(t.Context(), "/later/cluster", `{"id":"x","shards":4,"format":2}`); err != nil {
		t.Fatal(err)
	}
	_, err = cluster.OpenView(t.Context(), e.Client(), cluster.Config{Prefix: "/later"})
	wantErr(t, "open a later format", err, cluster.ErrMismatch)
}

func TestViewKeepsToItsPrefix(t *testing.T) {
	e := clustertest.Start(t)
	v := e.View(cluster.Config{Prefix: "/a"})
	clustertest.Join(t, e.View(cluster.Config{Prefix: "/ab"}), "other")
	clustertest.Join(t, v, "mine")
	until(t, "my node", v.NodesChanged, func() bool { return len(v.Nodes()) > 0 })
	if got := v.Nodes(); len(got) != 1 || got[0].GetName() != "mine" {
		t.Errorf("nodes: got %v, want mine alone", got)
	}
}

func TestViewSurvivesBadValues(t *testing.T) {
	e := clustertest.Start(t)
	v, raw := e.View(cluster.Config{Shards: 4}), e.Client()
	for key, value := range map[string]string{
		"/owners/0": "{", "/owners/x": "{}", "/owners/9": "{}", "/owners/00": `{"node":"z","incarnation":"z-1"}`,
		"/nodes/b": "no", "/assignments/1": "[]", "/catalog/p": `{"sku":"q"}`, "/zones/a": `{"zone":{"name":"b"}}`, "/coordinator": "?", "/unheard/of": "it", "/alone": "1",
		"/owners/1": `{"node":"n","incarnation":"n-1","epoch":"3","address":"n:1","later":true}`,
	} {
		if _, err := raw.Put(t.Context(), "/holdfast"+key, value); err != nil {
			t.Fatal(err)
		}
	}
	want := cluster.Route{Node: "n", Incarnation: "n-1", Address: "n:1", Epoch: 3}
	until(t, "the good value", v.Changed, func() bool { return v.Routes().Owner(1) == want })
	for _, s := range []cluster.ShardID{0, 2, 3, 9} {
		if r := v.Routes().Owner(s); r.Owned() {
			t.Errorf("shard %d: got %v, want nobody", s, r)
		}
	}
	fresh := e.View(cluster.Config{}) // Lists what the other has watched.
	if got := fresh.Routes().Owner(1); got != want || len(fresh.Nodes()) != 0 || fresh.Catalog().Len() != 0 || len(fresh.Zones().List()) != 0 {
		t.Errorf("listed: got %v, %v, %v, %v", got, fresh.Nodes(), fresh.Catalog().List(), fresh.Zones().List())
	}
}

// TestViewCatchesUp cuts a view off while the cluster changes, with and without
// a compaction of what it has missed.
func TestViewCatchesUp(t *testing.T) {
	t.Parallel()
	for _, compact := range []bool{false, true} {
		t.Run(fmt.Sprintf("compacted=%v", compact), func(t *testing.T) {
			e := clustertest.Start(t)
			link := e.Link()
			near := e.View(cluster.Config{Shards: 8})
			m := clustertest.Join(t, near, "a")
			leaver := clustertest.Join(t, near, "leaver")
			for s := range cluster.ShardID(4) {
				if _, err := leaver.Acquire(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
			far, err := cluster.OpenView(t.Context(), clustertest.Dial(t, link.Addr()), cluster.Config{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(far.Close)
			if !far.Routes().Owner(3).Owned() {
				t.Fatal("the first listing has not found shard 3")
			}

			link.Cut()
			if err := leaver.Leave(t.Context()); err != nil { // A deletion: only a watch or a listing tells.
				t.Fatal(err)
			}
			h, err := m.Acquire(t.Context(), 5)
			if err != nil {
				t.Fatal(err)
			}
			if compact {
				client := e.Client()
				now, err := client.Get(t.Context(), "/")
				if err != nil {
					t.Fatal(err)
				}
				if _, err := client.Compact(t.Context(), now.Header.Revision); err != nil {
					t.Fatal(err)
				}
			}
			if r := far.Routes().Owner(5); r.Owned() {
				t.Fatalf("a view that is cut off knows of %v", r)
			}
			e.Heal(link)
			until(t, "what it has missed", far.Changed, func() bool {
				r := far.Routes()
				return r.Owner(5).Epoch == h.Epoch && !r.Owner(0).Owned() && !r.Owner(3).Owned()
			})
			if h, err = m.Acquire(t.Context(), 5); err != nil { // The watch is alive again.
				t.Fatal(err)
			}
			until(t, "the next change", far.Changed, func() bool { return far.Routes().Owner(5).Epoch == h.Epoch })
		})
	}
}

// pagedKV calls between after the first page of a listing.
type pagedKV struct {
	clientv3.KV
	pages   int
	between func()
}

func (p *pagedKV) Get(ctx context.Context, key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	resp, err := p.KV.Get(ctx, key, opts...)
	if err == nil && resp.More {
		if p.pages++; p.pages == 1 {
			p.between()
		}
	}
	return resp, err
}

func TestListingIsOfOneRevision(t *testing.T) {
	for _, compact := range []bool{false, true} {
		t.Run(fmt.Sprintf("compacted=%v", compact), func(t *testing.T) {
			e := clustertest.Start(t)
			raw, client := e.Client(), e.Client()
			put := func(price int) (rev int64) {
				for i := range 10 {
					resp, err := raw.Put(t.Context(), fmt.Sprintf("/holdfast/catalog/p%d", i), fmt.Sprintf(`{"sku":"p%d","price":"%d"}`, i, price))
					if err != nil {
						t.Fatal(err)
					}
					rev = resp.Header.Revision
				}
				return rev
			}
			e.View(cluster.Config{}) // Founds the cluster.
			put(1)
			paged := &pagedKV{KV: client.KV}
			client.KV = paged
			paged.between = func() {
				if rev := put(2); compact {
					if _, err := raw.Compact(t.Context(), rev); err != nil {
						t.Fatal(err)
					}
				}
			}
			v, err := cluster.OpenViewPaged(t.Context(), client, cluster.Config{}, 3)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(v.Close)
			if paged.pages < 3 {
				t.Fatalf("%d pages had a next one, want several", paged.pages)
			}
			prices := func() map[int64]int {
				m := make(map[int64]int)
				for _, p := range v.Catalog().List() {
					m[p.GetPrice()]++
				}
				return m
			}
			if got := prices(); len(got) != 1 {
				t.Errorf("products by price: got %v, want all of one", got)
			}
			until(t, "all of the new price", v.NodesChanged, func() bool { return prices()[2] == 10 })
		})
	}
}

// leaderWatcher notes whether watches are given up when there is no leader.
type leaderWatcher struct {
	clientv3.Watcher
	required chan bool
}

func (w *leaderWatcher) Watch(ctx context.Context, key string, opts ...clientv3.OpOption) clientv3.WatchChan {
	md, _ := metadata.FromOutgoingContext(ctx)
	w.required <- slices.Equal(md.Get(rpctypes.MetadataRequireLeaderKey), []string{rpctypes.MetadataHasLeader})
	return w.Watcher.Watch(ctx, key, opts...)
}

func TestWatchRequiresALeader(t *testing.T) {
	client := clustertest.Start(t).Client()
	w := &leaderWatcher{Watcher: client.Watcher, required: make(chan bool, 1)}
	client.Watcher = w
	v, err := cluster.OpenView(t.Context(), client, cluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	if !<-w.required {
		t.Error("a member of etcd that is cut off from its leader could keep the watch, and say nothing")
	}
}

func TestRoutesAreImmutable(t *testing.T) {
	b := newPair(t, nil)
	before := b.view.Routes()
	b.acquire(b.b)
	until(t, "the route", b.view.Changed, func() bool { return b.view.Routes().Owner(0).Owned() })
	if before.Owner(0).Owned() {
		t.Error("a snapshot has changed")
	}
	if before.Version() >= b.view.Routes().Version() {
		t.Errorf("version went from %d to %d", before.Version(), b.view.Routes().Version())
	}
}

func TestCatalog(t *testing.T) {
	e := clustertest.Start(t)
	v := e.View(cluster.Config{})
	product := func(sku string, slices uint32, price int64) *clusterv1.Product {
		return &clusterv1.Product{Sku: sku, Title: "a " + sku, Price: price, Currency: "gold", Slices: slices}
	}
	for _, sku := range []string{"shirt-m", "hat", "shirt-l", "shirt-s", "sword"} {
		if err := v.PutProduct(t.Context(), product(sku, 4, 10)); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.PutProduct(t.Context(), product("hat", 4, 12)); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "other number of slices", v.PutProduct(t.Context(), product("hat", 5, 12)), cluster.ErrInvalidProduct)

	check := func(v *cluster.View) {
		t.Helper()
		until(t, "the price", v.NodesChanged, func() bool {
			p, ok := v.Catalog().Product("hat")
			return ok && p.GetPrice() == 12
		})
		var got []string
		for p := range v.Catalog().Range("shirt-") {
			got = append(got, p.GetSku())
		}
		if want := []string{"shirt-l", "shirt-m", "shirt-s"}; !slices.Equal(got, want) {
			t.Errorf("range: got %v, want %v", got, want)
		}
		if _, ok := v.Catalog().Product("shirt"); ok || v.Catalog().Len() != 5 {
			t.Errorf("got %d products, want 5", v.Catalog().Len())
		}
	}
	check(v)
	check(e.View(cluster.Config{}))

	for name, p := range map[string]*clusterv1.Product{
		"sku with a slash": product("a/b", 1, 1),
		"empty sku":        product("", 1, 1),
		"not UTF-8":        product("a\xff", 1, 1),
		"no slices":        product("a", 0, 1),
		"negative price":   product("a", 1, -1),
		"no currency":      {Sku: "a", Slices: 1, Price: 1},
	} {
		wantErr(t, name, v.PutProduct(t.Context(), p), cluster.ErrInvalidProduct)
	}
}

func TestPutProductRace(t *testing.T) {
	// Two create the same product with different slices: one of them wins.
	v := clustertest.Start(t).View(cluster.Config{})
	errs := make([]error, 2)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			errs[i] = v.PutProduct(t.Context(), &clusterv1.Product{Sku: "hat", Slices: uint32(i + 1)})
		})
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("got %v and %v, want one to win", errs[0], errs[1])
	}
}

func TestOpenViewGivesUp(t *testing.T) {
	e := clustertest.Start(t)
	client := e.Client()
	e.Stop()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := cluster.OpenView(ctx, client, cluster.Config{})
	wantErr(t, "open without etcd", err, cluster.ErrUnavailable)
}
