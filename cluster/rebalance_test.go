package cluster_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/clustertest"
)

// lopsided is a cluster of three nodes, of which c has half of the 24 shards. a
// is the coordinator.
func lopsided(t *testing.T) (*clustertest.Etcd, *cluster.View, map[cluster.NodeName]*host) {
	t.Helper()
	e := clustertest.Start(t)
	v := e.View(cluster.Config{Shards: 24})
	hosts := map[cluster.NodeName]*host{"a": startHost(t, e, "a")}
	until(t, "a coordinator", v.NodesChanged, func() bool { return v.Coordinator() == hosts["a"].Incarnation() })
	hosts["b"], hosts["c"] = startHost(t, e, "b"), startHost(t, e, "c")
	settled := func(want string) {
		t.Helper()
		until(t, want, v.NodesChanged, func() bool {
			job, ok := v.Rebalancing()
			return fmt.Sprint(spread(v)) == want && (!ok || !job.Running())
		})
	}
	settled("map[a:8 b:8 c:8]")
	for _, n := range []cluster.NodeName{"a", "b"} {
		for _, s := range v.Assignments().Of(n)[:2] {
			if err := v.Assign(t.Context(), s, "c"); err != nil {
				t.Fatal(err)
			}
		}
	}
	settled("map[a:6 b:6 c:12]")
	return e, v, hosts
}

func finished(v *cluster.View, id string) func() bool {
	return func() bool {
		job, _ := v.Rebalancing()
		return job.ID == id && !job.Running()
	}
}

func TestRebalance(t *testing.T) {
	t.Parallel()
	_, v, _ := lopsided(t)
	dry := v.Propose()
	if len(dry.Moves) != 4 || dry.Job != "" || dry.Spread != 0 || dry.SpreadBefore != 0.5 {
		t.Fatalf("got %+v, want 4 moves", dry)
	}
	if _, err := v.Rebalance(t.Context(), -1); err == nil {
		t.Error("less than no moves at a time: got no error")
	}
	p, err := v.Rebalance(t.Context(), 1)
	if err != nil || p.Job == "" || !slices.Equal(p.Moves, dry.Moves) {
		t.Fatalf("got %+v, %v, want what was proposed, %+v", p, err, dry)
	}
	// Once more, while it goes on: it goes on, with another bound.
	again, err := v.Rebalance(t.Context(), 2)
	if err != nil || len(again.Moves) > 0 && again.Job != p.Job {
		t.Fatalf("again: got %+v, %v, want job %s", again, err, p.Job)
	}
	until(t, "it ends", v.NodesChanged, finished(v, p.Job))
	job, ok := v.Rebalancing()
	if !ok || job.By != "operator" || job.Count(cluster.MoveDone) != 4 || len(job.Moves) != 4 || job.MaxMoving > 2 {
		t.Errorf("got %+v, want 4 moves done", job)
	}
	if got := fmt.Sprint(spread(v)); got != "map[a:8 b:8 c:8]" {
		t.Errorf("got %s", got)
	}
	if p, err := v.Rebalance(t.Context(), 0); err != nil || len(p.Moves) > 0 {
		t.Errorf("a second one: got %+v, %v, want nothing to do", p, err)
	}
}

// TestRebalanceOutlivesItsPlanner: another coordinator goes on with it.
func TestRebalanceOutlivesItsPlanner(t *testing.T) {
	t.Parallel()
	_, v, hosts := lopsided(t)
	p, err := v.Rebalance(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	hosts["a"].kill(t)
	until(t, "it ends", v.NodesChanged, finished(v, p.Job))
	if now := v.Coordinator(); now == hosts["a"].Incarnation() {
		t.Errorf("the coordinator is %s", now)
	}
	until(t, "every shard has an owner", v.Changed, func() bool {
		got := spread(v)
		return got["b"]+got["c"] == 24 && got["b"] >= 11 && got["c"] >= 11
	})
	if p := v.Propose(); len(p.Moves) > 0 {
		t.Errorf("then %+v is proposed", p.Moves)
	}
}
