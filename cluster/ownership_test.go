package cluster_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/clustertest"
)

func TestStart64(t *testing.T) {
	for range 3 {
		e := clustertest.StartDurable(t)
		start := time.Now()
		v := e.View(cluster.Config{})
		m := clustertest.Join(t, v, "a")
		go cluster.RunPlanner(t.Context(), m)
		for {
			ch := m.AssignedChanged()
			if len(m.Assigned()) == 64 {
				break
			}
			<-ch
		}
		t.Log("assigned", time.Since(start))
		var wg sync.WaitGroup
		for s := range cluster.ShardID(64) {
			wg.Go(func() {
				h, err := m.Acquire(t.Context(), s)
				if err != nil {
					t.Error(err)
					return
				}
				if err := m.Serve(t.Context(), h, 0, "log", 1); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		t.Log("served", time.Since(start))
	}
}

func TestClaimRace(t *testing.T) {
	e := clustertest.Start(t)
	v := e.View(cluster.Config{})
	a, b := clustertest.Join(t, v, "a"), clustertest.Join(t, v, "b")
	won := make(chan *cluster.Holding, 2)
	var wg sync.WaitGroup
	for _, m := range []*cluster.Member{a, b} {
		wg.Go(func() {
			h, err := m.Acquire(t.Context(), 0)
			if err == nil {
				won <- h
			} else if !errors.Is(err, cluster.ErrOwned) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Fatalf("%d won", len(won))
	}
}
