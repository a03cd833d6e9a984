package shard

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/requests"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/internal/devstack"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// numbered has counters add once per request number, however often they are
// asked.
func numbered(t testing.TB) func(*Config) {
	return func(c *Config) {
		var err error
		c.Kinds, err = actors.NewRegistry(requests.Once(counterKind(), requests.Limits{}))
		must(t, err)
	}
}

// assigner writes assignments as an operator's pin does.
type assigner struct {
	t      testing.TB
	client *cluster.Client
}

func newAssigner(t testing.TB, stack *devstack.Stack) *assigner {
	client, err := cluster.Connect(cluster.ConnectConfig{Endpoints: stack.EtcdEndpoints()})
	must(t, err)
	t.Cleanup(func() { _ = client.Close() }) // its only error is that of its context
	return &assigner{t, client}
}

func (a *assigner) pin(s cluster.ShardID, node string) {
	a.t.Helper()
	_, err := a.client.Put(a.t.Context(), fmt.Sprintf("/holdfast/assignments/%s", s), fmt.Sprintf(`{"node":%q,"pinned":%q}`, node, node))
	must(a.t, err)
}

// crowdRate is how many requests a second a crowd makes: enough that every move
// meets some, and few enough that two cores with a race detector have time for
// the move itself.
const crowdRate = 800

// crowd asks counters for one more each, all the time, and wants to be answered
// with exactly one more.
type crowd struct {
	t    testing.TB
	stop context.CancelFunc
	wg   sync.WaitGroup
	pace *rate.Limiter
	sums []int64
}

func startCrowd(t testing.TB, nodes []*testNode, size int) *crowd {
	ctx, cancel := context.WithCancel(t.Context())
	c := &crowd{t: t, stop: cancel, pace: rate.NewLimiter(crowdRate, size), sums: make([]int64, size)}
	for i := range size {
		c.wg.Go(func() { c.add(ctx, nodes[i%len(nodes)], i) })
	}
	return c
}

func (c *crowd) add(ctx context.Context, n *testNode, i int) {
	for request := uint64(1); c.pace.Wait(ctx) == nil; {
		a, err := n.router.Call(c.t.Context(), &cluster.Command{
			To: cluster.ActorID{Kind: "counter", ID: fmt.Sprintf("c%d", i)}, Method: "Add", Request: request,
			Caller: cluster.Caller{Player: "p"}, Body: wrapperspb.Int64(1),
		})
		if err != nil {
			c.t.Errorf("c%d: %v", i, err)
			return
		}
		switch a.Code {
		case clientv1.Code_CODE_UNSPECIFIED:
		case clientv1.Code_CODE_UNAVAILABLE, clientv1.Code_CODE_OVERLOADED:
			c.t.Errorf("c%d request %d: %s %q", i, request, a.Code, a.Text)
			continue
		default:
			c.t.Errorf("c%d request %d: %s %q", i, request, a.Code, a.Text)
			return
		}
		got, ok := a.Body.(*wrapperspb.Int64Value)
		if !ok {
			got = new(wrapperspb.Int64Value)
			if err := proto.Unmarshal(a.Payload, got); err != nil {
				c.t.Error(err)
				return
			}
		}
		if got.GetValue() != int64(request) {
			c.t.Errorf("c%d request %d: the sum is %d", i, request, got.GetValue())
			return
		}
		c.sums[i] = got.GetValue()
		request++
	}
}

// end stops the crowd, and returns how often it was answered.
func (c *crowd) end() (answered int64) {
	c.stop()
	c.wg.Wait()
	for _, s := range c.sums {
		answered += s
	}
	return answered
}

// receipt waits for one from any of the nodes.
func receipt(t testing.TB, nodes []*testNode) *clusterv1.MoveReceipt {
	t.Helper()
	select {
	case r := <-nodes[0].moved:
		return r
	case r := <-nodes[1].moved:
		return r
	case r := <-nodes[len(nodes)-1].moved:
		return r
	case <-time.After(20 * time.Second):
		t.Fatal("no move has ended")
		return nil
	}
}

// Shards go round between three nodes while everybody counts: no answer is lost,
// doubled or changed, nobody is told of an error, and the state that the target
// has put together is the one that the source had.
func TestMovesUnderLoad(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	stack := devstack.Test(t)
	var nodes []*testNode
	names := []string{"a", "b", "c"}
	for _, name := range names {
		nodes = append(nodes, startNode(t, stack, name, 0, numbered(t)))
	}
	pins := newAssigner(t, stack)
	for s := range cluster.ShardID(testShards) {
		pins.pin(s, names[int(s)%3])
	}
	at := func(s cluster.ShardID) string { return string(nodes[0].view.Routes().Owner(s).Node) }
	settled := func(s cluster.ShardID, where string) {
		t.Helper()
		deadline := time.After(20 * time.Second)
		for {
			changed := nodes[0].view.Changed()
			if at(s) == where {
				return
			}
			select {
			case <-changed:
			case <-deadline:
				t.Fatalf("shard %s is with %q, not with %q", s, at(s), where)
			}
		}
	}
	for s := range cluster.ShardID(testShards) {
		settled(s, names[int(s)%3])
	}
	for _, n := range nodes {
		for len(n.moved) > 0 {
			<-n.moved
		}
	}

	c := startCrowd(t, nodes, 48)
	const rounds = 16
	var stalls []float64
	for range rounds {
		s := cluster.ShardID(rnd.IntN(testShards))
		to := names[rnd.IntN(3)]
		if at(s) == to {
			continue
		}
		pins.pin(s, to)
		r := receipt(t, nodes)
		if r.GetOutcome() != clusterv1.MoveOutcome_MOVE_OUTCOME_MOVED || r.GetLost() != 0 || r.GetHashBefore() != r.GetHashAfter() || r.GetRefused() != 0 {
			t.Errorf("receipt: %v", r)
		}
		stalls = append(stalls, r.GetStallMs())
		settled(s, to)
	}
	answered := c.end()
	slices.Sort(stalls)
	t.Logf("%d moves under %d answers: stall median %.1f ms, max %.1f ms", len(stalls), answered, stalls[len(stalls)/2], stalls[len(stalls)-1])
	for i, want := range c.sums {
		a := nodes[0].call(fmt.Sprintf("c%d", i), "Read", 0)
		got := new(wrapperspb.Int64Value)
		if b, ok := a.Body.(*wrapperspb.Int64Value); ok {
			got = b
		} else {
			must(t, proto.Unmarshal(a.Payload, got))
		}
		if got.GetValue() != want {
			t.Errorf("c%d: got %d, %d were answered", i, got.GetValue(), want)
		}
	}
}
