package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"golang.org/x/sync/errgroup"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/clustertest"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// host does what a node does with its assignments: it claims what is assigned
// to it and free, and releases what is assigned to another.
type host struct {
	*cluster.Member
	view *cluster.View
	held map[cluster.ShardID]*cluster.Holding
	// planner and work are stopped by kill.
	cancel context.CancelFunc
	group  *errgroup.Group
}

func startHost(t *testing.T, e *clustertest.Etcd, name cluster.NodeName) *host {
	t.Helper()
	v := e.View(cluster.Config{Shards: 24, TTL: time.Second})
	h := &host{Member: clustertest.Join(t, v, name), view: v, held: make(map[cluster.ShardID]*cluster.Holding)}
	ctx, cancel := context.WithCancel(t.Context())
	h.cancel = cancel
	h.group, ctx = errgroup.WithContext(ctx)
	h.group.Go(func() error { return cluster.RunPlanner(ctx, h.Member) })
	h.group.Go(func() error { return h.work(ctx) })
	t.Cleanup(func() { h.kill(t) })
	return h
}

// kill stops everything at once, and lets the lease run out.
func (h *host) kill(t *testing.T) {
	h.cancel()
	if err := h.group.Wait(); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, cluster.ErrLeft) {
		t.Errorf("host %s: %v", h.Name(), err)
	}
	h.Close()
}

func (h *host) work(ctx context.Context) error {
	for {
		routes, assigned := h.view.Changed(), h.AssignedChanged()
		mine := h.Assigned()
		for s, holding := range h.held {
			if !slices.Contains(mine, s) {
				if err := h.Release(ctx, holding, 0); err != nil {
					return err
				}
				delete(h.held, s)
			}
		}
		for _, s := range mine {
			if h.held[s] != nil || h.view.Routes().Owner(s).Owned() {
				continue
			}
			holding, err := h.Acquire(ctx, s)
			switch {
			case errors.Is(err, cluster.ErrOwned):
				continue
			case err != nil:
				return err
			}
			h.held[s] = holding
		}
		select {
		case <-routes:
		case <-assigned:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// spread says how many shards each node owns, for a view.
func spread(v *cluster.View) map[cluster.NodeName]int {
	n := make(map[cluster.NodeName]int)
	for s := range cluster.ShardID(v.Shards()) {
		n[v.Routes().Owner(s).Node]++
	}
	return n
}

func TestPlannerSpreadsShards(t *testing.T) {
	t.Parallel()
	e := clustertest.Start(t)
	v := e.View(cluster.Config{Shards: 24})
	settled := func(what string, want map[cluster.NodeName]int) {
		t.Helper()
		until(t, fmt.Sprintf("%s: want %v", what, want), v.NodesChanged, func() bool {
			return fmt.Sprint(spread(v)) == fmt.Sprint(want)
		})
	}
	a := startHost(t, e, "a")
	settled("one node", map[cluster.NodeName]int{"a": 24})
	startHost(t, e, "b")
	startHost(t, e, "c")
	settled("two more", map[cluster.NodeName]int{"a": 8, "b": 8, "c": 8})

	a.kill(t) // It was the coordinator.
	settled("the first died", map[cluster.NodeName]int{"b": 12, "c": 12})
	before := v.Routes()
	d := startHost(t, e, "d")
	settled("a fourth came", map[cluster.NodeName]int{"b": 8, "c": 8, "d": 8})
	moved := 0
	for s := range cluster.ShardID(24) {
		if before.Owner(s) != v.Routes().Owner(s) {
			moved++
		}
	}
	if moved != 8 {
		t.Errorf("%d shards moved, want the 8 that had to", moved)
	}
	if err := d.SetState(t.Context(), clusterv1.NodeState_NODE_STATE_DRAINING); err != nil {
		t.Fatal(err)
	}
	settled("it drains", map[cluster.NodeName]int{"b": 12, "c": 12})
}

func TestPlannerPlansOnlyWhileCoordinator(t *testing.T) {
	e := clustertest.Start(t)
	raw := e.Client()
	v := e.View(cluster.Config{Shards: 4})
	if _, err := raw.Put(t.Context(), "/holdfast/coordinator", `{"incarnation":"z-1"}`); err != nil {
		t.Fatal(err)
	}
	startHost4 := func(name cluster.NodeName) {
		m := clustertest.Join(t, e.View(cluster.Config{}), name)
		ctx, cancel := context.WithCancel(t.Context())
		var g errgroup.Group
		g.Go(func() error { return cluster.RunPlanner(ctx, m) })
		t.Cleanup(func() {
			cancel()
			if err := g.Wait(); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	startHost4("a")
	startHost4("b")
	until(t, "both nodes", v.NodesChanged, func() bool { return len(v.Nodes()) == 2 })
	if got := v.Assignments().Of("a"); len(got) != 0 {
		t.Errorf("a was assigned %v by somebody who is not the coordinator", got)
	}
	if _, err := raw.Delete(t.Context(), "/holdfast/coordinator"); err != nil {
		t.Fatal(err)
	}
	until(t, "a plan", v.AssignmentsChanged, func() bool {
		return len(v.Assignments().Of("a")) == 2 && len(v.Assignments().Of("b")) == 2
	})
}

func TestPlannerEndsWithItsMember(t *testing.T) {
	v := clustertest.Start(t).View(cluster.Config{})
	m := clustertest.Join(t, v, "a")
	var g errgroup.Group
	g.Go(func() error { return cluster.RunPlanner(t.Context(), m) })
	until(t, "a plan", v.AssignmentsChanged, func() bool { return len(m.Assigned()) == cluster.DefaultShards })
	if err := m.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "planner", g.Wait(), cluster.ErrLeft)
}

// TestPlannerGuards has somebody else write between a planner's look and its
// transaction, and wants that kept.
func TestPlannerGuards(t *testing.T) {
	for _, c := range []struct {
		name string
		on   string // the folder that the transaction writes to
		put  func(put func(key, value string))
		key  string // holds this afterwards, or is absent
		want string
	}{
		{"another became coordinator first", "/coordinator", func(put func(key, value string)) {
			put("/coordinator", `{"incarnation":"z-1"}`)
		}, "/coordinator", `{"incarnation":"z-1"}`},
		{"another became coordinator since", "/assignments/", func(put func(key, value string)) {
			put("/coordinator", `{"incarnation":"z-1"}`)
		}, "/assignments/0", ""},
		{"a pin was set", "/assignments/", func(put func(key, value string)) {
			put("/assignments/3", `{"pinned":"z"}`)
		}, "/assignments/3", `{"pinned":"z"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newPair(t, nil)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			n := 0
			b.faults.Decide(func(in *pb.TxnRequest) clustertest.Fate {
				if !strings.Contains(string(in.GetSuccess()[0].GetRequestPut().GetKey()), c.on) {
					return clustertest.Deliver
				}
				if n++; n > 1 {
					cancel() // What was sent first has had its effect by now.
					return clustertest.LoseRequest
				}
				c.put(func(key, value string) {
					if _, err := b.raw.Put(t.Context(), b.prefix+key, value); err != nil {
						t.Error(err)
					}
				})
				return clustertest.LoseAnswer
			})
			wantErr(t, "planner", cluster.RunPlanner(ctx, b.a), context.Canceled)
			resp, err := b.raw.Get(t.Context(), b.prefix+c.key)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if len(resp.Kvs) > 0 {
				got = string(resp.Kvs[0].Value)
			}
			if got != c.want {
				t.Errorf("%s: got %s, want %s", c.key, got, c.want)
			}
		})
	}
}
