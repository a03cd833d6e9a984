package cluster_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/clustertest"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

func TestWishes(t *testing.T) {
	e := clustertest.Start(t)
	v := e.View(cluster.Config{Shards: 4})
	for _, n := range []cluster.NodeName{"a", "b", "leaving", "drained"} {
		m := clustertest.Join(t, e.View(cluster.Config{}), n)
		if n == "leaving" {
			if err := m.SetState(t.Context(), clusterv1.NodeState_NODE_STATE_DRAINING); err != nil {
				t.Fatal(err)
			}
		}
	}
	gateway, err := cluster.Join(t.Context(), v, cluster.JoinConfig{Name: "gateway", Address: "g:1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gateway.Close)
	ctx := t.Context()
	for range 2 { // The second time changes nothing.
		if err := v.SetDrained(ctx, "drained", true); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "drained", v.NodesChanged, func() bool { return v.Drained("drained") && !v.Drained("a") })

	for _, c := range []struct {
		what string
		err  error
		want error
	}{
		{"assign to nobody", v.Assign(ctx, 0, "nobody"), cluster.ErrNoNode},
		{"assign to a gateway", v.Assign(ctx, 0, "gateway"), cluster.ErrNotShardNode},
		{"assign to a drained node", v.Assign(ctx, 0, "drained"), cluster.ErrDrained},
		{"assign to one that shuts down", v.Assign(ctx, 0, "leaving"), cluster.ErrDrained},
		{"assign a shard too many", v.Assign(ctx, 4, "a"), cluster.ErrNoShard},
		{"pin a shard too many", v.Pin(ctx, 4, "a"), cluster.ErrNoShard},
		{"pin to what is no name", v.Pin(ctx, 0, "a/b"), cluster.ErrNoNode},
		{"drain what is no name", v.SetDrained(ctx, "", true), cluster.ErrNoNode},
		{"pin to a node that is not there", v.Pin(ctx, 1, "later"), nil},
		{"assign what is pinned elsewhere", v.Assign(ctx, 1, "a"), cluster.ErrPinned},
		{"assign", v.Assign(ctx, 0, "a"), nil},
		{"pin what is assigned", v.Pin(ctx, 0, "b"), nil},
		{"assign to the pin", v.Assign(ctx, 0, "b"), nil},
		{"unpin", v.Unpin(ctx, 1), nil},
		{"then assign", v.Assign(ctx, 1, "b"), nil},
		{"undrain", v.SetDrained(ctx, "drained", false), nil},
		{"then assign", v.Assign(ctx, 2, "drained"), nil},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: got %v, want %v", c.what, c.err, c.want)
		}
	}
	var pinned *cluster.PinnedError
	if err := v.Assign(ctx, 0, "a"); !errors.As(err, &pinned) || pinned.Node != "b" {
		t.Errorf("got %v, want to hear that it is pinned to b", err)
	}
	want := "b/b/operator b//operator drained//operator //"
	until(t, "assignments "+want, v.AssignmentsChanged, func() bool {
		as, got := v.Assignments(), ""
		for s := range cluster.ShardID(4) {
			got += fmt.Sprintf(" %s/%s/%s", as.Node(s), as.Pinned(s), as.Why(s))
		}
		return got[1:] == want
	})
}

// TestLoadsAreOnTheLease: they come to every view, wake only those who wait for
// them, and go with the node.
func TestLoadsAreOnTheLease(t *testing.T) {
	e := clustertest.Start(t)
	v := e.View(cluster.Config{Shards: 4})
	a := clustertest.Join(t, e.View(cluster.Config{}), "a")
	b := clustertest.Join(t, e.View(cluster.Config{}), "b")
	until(t, "both nodes", v.NodesChanged, func() bool { return len(v.Nodes()) == 2 })
	nodes, routes := v.NodesChanged(), v.Changed()
	put := func(m *cluster.Member, l cluster.NodeLoad) {
		t.Helper()
		if err := m.PutLoad(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	at := time.Unix(1e9, 0).UTC()
	put(a, cluster.NodeLoad{At: at, Commands: 30, P50: time.Millisecond, P99: 2500 * time.Microsecond, Backlog: 7, Shards: []cluster.ShardLoad{
		{Shard: 1, Commands: 10, Actors: 3, Bytes: 99, Over: 3 * time.Second}, {Shard: 2, Commands: 20},
	}})
	put(b, cluster.NodeLoad{At: at, Shards: []cluster.ShardLoad{{Shard: 2, Commands: 21}}})
	until(t, "both loads", v.LoadsChanged, func() bool {
		_, ok := v.Loads().Node("b")
		return ok
	})
	got, _ := v.Loads().Node("a")
	if want := fmt.Sprint(cluster.NodeLoad{
		Node: "a", Incarnation: a.Incarnation(), At: at, Commands: 30, P50: time.Millisecond, P99: 2500 * time.Microsecond, Backlog: 7,
		Shards: []cluster.ShardLoad{{Shard: 1, Commands: 10, Actors: 3, Bytes: 99, Over: 3 * time.Second}, {Shard: 2, Commands: 20}},
	}); fmt.Sprint(got) != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if l, ok := v.Loads().Shard(2); !ok || l.Commands != 21 {
		t.Errorf("shard 2: got %+v, want the later report", l)
	}
	if _, ok := v.Loads().Shard(3); ok {
		t.Error("shard 3 is reported by nobody")
	}
	select {
	case <-nodes:
		t.Error("a load woke those who wait for nodes")
	case <-routes:
		t.Error("a load woke those who wait for routes")
	default:
	}
	if err := b.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "b's load gone", v.LoadsChanged, func() bool {
		_, ok := v.Loads().Node("b")
		return !ok
	})
	if l, ok := v.Loads().Shard(2); !ok || l.Commands != 20 {
		t.Errorf("shard 2: got %+v, want the other report", l)
	}
	wantErr(t, "put a load after leaving", b.PutLoad(t.Context(), cluster.NodeLoad{At: at}), cluster.ErrLeaseLost)
}

func TestFollowOwners(t *testing.T) {
	b := newPair(t, nil)
	var last cluster.OwnerChange
	follow := func(from int64, n int) (lines string, err error) {
		errEnough := errors.New("enough")
		err = b.view.FollowOwners(t.Context(), from, func(c cluster.OwnerChange) error {
			last = c
			lines += fmt.Sprintf("%d %q->%q; ", c.Shard, c.Was.GetNode(), c.Owner.GetNode())
			if n--; n == 0 {
				return errEnough
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			err = nil
		}
		return lines, err
	}
	h := b.acquire(b.a)
	if _, err := b.a.Acquire(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	if err := b.a.Release(t.Context(), h, 0); err != nil {
		t.Fatal(err)
	}
	for s := range cluster.ShardID(3) {
		if _, err := b.b.Acquire(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.b.Leave(t.Context()); err != nil { // All at one revision.
		t.Fatal(err)
	}
	want := `0 ""->"a"; 5 ""->"a"; 0 "a"->""; 0 ""->"b"; 1 ""->"b"; 2 ""->"b"; 0 "b"->""; 1 "b"->""; 2 "b"->""; `
	got, err := follow(1, 9)
	if err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	end := last.Revision
	if got, err = follow(end, 3); err != nil || got != `0 "b"->""; 1 "b"->""; 2 "b"->""; ` {
		t.Errorf("from the last revision: got %s, %v", got, err)
	}
	if _, err := b.raw.Put(t.Context(), "any", "thing"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.raw.Compact(t.Context(), end, clientv3.WithCompactPhysical()); err != nil {
		t.Fatal(err)
	}
	_, err = follow(end-1, 1)
	wantErr(t, "from before the compaction", err, cluster.ErrHistoryGone)

	states, rev, err := b.view.Ownerships(t.Context())
	if err != nil || rev < end || len(states) != 8 {
		t.Fatalf("ownerships: got %v as of %d, %v", states, rev, err)
	}
	for s, want := range []string{`"" 2`, `"" 1`, `"" 1`, `"" 0`, `"" 0`, `"a" 1`, `"" 0`, `"" 0`} {
		o := states[s]
		if got := fmt.Sprintf("%q %d", o.Owner.GetNode(), o.Epoch); got != want || (o.Revision != 0) != (o.Owner != nil) {
			t.Errorf("shard %d: got %s at %d, want %s", s, got, o.Revision, want)
		}
	}
}
