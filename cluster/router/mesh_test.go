package router_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/peer"
	"github.com/holdfast-game/holdfast/cluster/router"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// oneOwner is routes where one node owns everything.
type oneOwner struct {
	mu      sync.Mutex
	route   cluster.Route
	changed chan struct{}
}

func (o *oneOwner) Shards() int { return 64 }

func (o *oneOwner) Owner(cluster.ShardID) cluster.Route {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.route
}

func (o *oneOwner) Changed() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.changed
}

func (o *oneOwner) set(r cluster.Route) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.route = r
	close(o.changed)
	o.changed = make(chan struct{})
}

// echo is a node that answers everything with success.
func echo(t *testing.T) (*peer.Mesh, cluster.Address) {
	t.Helper()
	m, err := peer.New(peer.Config{})
	if err != nil {
		t.Fatal(err)
	}
	m.HandleCommands(func(c *cluster.Command) { m.SendAnswer(c.ReplyTo, &cluster.Answer{Call: c.Call}) })
	address, err := m.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Stop(context.Background()) })
	return m, address
}

// The owner dies under load and another node takes over: every call succeeds.
func TestOwnerDiesUnderLoad(t *testing.T) {
	gateway, err := peer.New(peer.Config{})
	if err != nil {
		t.Fatal(err)
	}
	first, at := echo(t)
	routes := &oneOwner{changed: make(chan struct{}), route: cluster.Route{Incarnation: "first", Address: at, Epoch: 1}}
	r := router.New(router.Config{Deadline: 30 * time.Second, Resend: 100 * time.Millisecond}, routes, gateway)
	defer r.Close()
	gateway.HandleAnswers(r.Answered)
	if _, err := gateway.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer gateway.Stop(context.Background()) // never an error

	const callers, each = 16, 500
	var done sync.WaitGroup
	var answered atomic.Int64
	half := make(chan struct{})
	for range callers {
		done.Go(func() {
			for range each {
				cmd := &cluster.Command{To: cluster.ActorID{Kind: "player", ID: "ann"}, Method: "Buy"}
				a, err := r.Call(context.Background(), cmd)
				if err != nil || a.Code != clientv1.Code_CODE_UNSPECIFIED {
					t.Errorf("got %+v, %v", a, err)
					return
				}
				if answered.Add(1) == callers*each/2 {
					close(half)
				}
			}
		})
	}
	<-half
	_ = first.Stop(context.Background())
	routes.set(cluster.Route{})
	_, at = echo(t)
	routes.set(cluster.Route{Incarnation: "second", Address: at, Epoch: 2})
	done.Wait()
	if got := answered.Load(); got != callers*each {
		t.Errorf("%d calls succeeded, want %d", got, callers*each)
	}
}
