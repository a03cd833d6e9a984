package shard

import (
	"bytes"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/clustertest"
	"github.com/holdfast-game/holdfast/internal/devstack"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// impatient has moves give up soon.
func impatient(c *Config) {
	c.preparePatience, c.freezePatience, c.commitPatience = time.Second, time.Second, time.Second
}

// pairOf starts two nodes with faults, and brings shard 0 to a.
type pairOf struct {
	a, b *testNode
	pins *assigner
}

func startPair(t *testing.T, hearA, hearB func(*clusterv1.Handoff, func(*clusterv1.Handoff))) *pairOf {
	t.Helper()
	stack := devstack.Test(t)
	p := &pairOf{pins: newAssigner(t, stack)}
	p.a = startFaulty(t, stack, "a", 0, hearA, numbered(t), impatient)
	p.a.ready()
	for s := range cluster.ShardID(testShards) {
		p.pins.pin(s, "a")
	}
	p.b = startFaulty(t, stack, "b", 0, hearB, numbered(t), impatient)
	p.b.ready()
	return p
}

// awaitOwner waits until a shard is with a node.
func awaitOwner(t *testing.T, n *testNode, s cluster.ShardID, want string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		changed := n.view.Changed()
		if string(n.view.Routes().Owner(s).Node) == want {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("shard %s is with %v, not with %s", s, n.view.Routes().Owner(s), want)
		}
	}
}

// Messages about moves get lost and doubled. Moves take longer, or come to
// nothing and are tried again; nobody who counts notices.
func TestMovesWithLostMessages(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var mu sync.Mutex
	rnd := rand.New(rand.NewPCG(seed, 0))
	lossy := func(h *clusterv1.Handoff, deliver func(*clusterv1.Handoff)) {
		mu.Lock()
		p := rnd.IntN(100)
		mu.Unlock()
		if p < 35 {
			return
		}
		deliver(h)
		if p < 60 {
			deliver(h)
		}
	}
	p := startPair(t, lossy, lossy)
	c := startCrowd(t, []*testNode{p.a, p.b}, 16)
	for i := range 6 {
		to := []string{"b", "a"}[i%2]
		p.pins.pin(3, to)
		awaitOwner(t, p.a, 3, to)
	}
	t.Logf("%d answers", c.end())
	for _, n := range []*testNode{p.a, p.b} {
		for len(n.moved) > 0 {
			if r := <-n.moved; r.GetLost() != 0 || r.GetOutcome() == clusterv1.MoveOutcome_MOVE_OUTCOME_MOVED && r.GetHashBefore() != r.GetHashAfter() {
				t.Errorf("receipt: %v", r)
			}
		}
	}
}

// Whatever goes wrong before the transaction, the source serves on with what it
// has in memory, at the same epoch, and whoever waited is answered.
func TestMoveRollsBack(t *testing.T) {
	t.Parallel()
	for name, hearA := range map[string]func(*clusterv1.Handoff, func(*clusterv1.Handoff)){
		"the target is never prepared": func(h *clusterv1.Handoff, deliver func(*clusterv1.Handoff)) {
			if h.GetPrepared() == nil {
				deliver(h)
			}
		},
		"the target never verifies": func(h *clusterv1.Handoff, deliver func(*clusterv1.Handoff)) {
			if h.GetVerified() == nil {
				deliver(h)
			}
		},
		"the target has another state": func(h *clusterv1.Handoff, deliver func(*clusterv1.Handoff)) {
			if v := h.GetVerified(); v != nil {
				v.StateHash++
			}
			deliver(h)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var faulty atomic.Bool
			faulty.Store(true)
			p := startPair(t, func(h *clusterv1.Handoff, deliver func(*clusterv1.Handoff)) {
				if faulty.Load() {
					hearA(h, deliver)
				} else {
					deliver(h)
				}
			}, nil)
			c := startCrowd(t, []*testNode{p.a, p.b}, 16)
			epoch := p.a.view.Routes().Owner(0).Epoch
			p.pins.pin(0, "b")
			r := receipt(t, []*testNode{p.a, p.b})
			if r.GetOutcome() != clusterv1.MoveOutcome_MOVE_OUTCOME_ROLLED_BACK || r.GetLost() != 0 || r.GetWhy() == "" {
				t.Errorf("receipt: %v, want it rolled back with nothing lost", r)
			}
			if owner := p.a.view.Routes().Owner(0); owner.Node != "a" || owner.Epoch != epoch {
				t.Errorf("the owner is %v, want a at epoch %d", owner, epoch)
			}
			faulty.Store(false)
			if r.GetHashAfter() == 0 || r.GetHashAfter() == r.GetHashBefore() {
				awaitOwner(t, p.a, 0, "b") // it is tried again soon
			}
			t.Logf("%s; %d answers", r.GetWhy(), c.end())
		})
	}
}

// The target hears nothing after it has verified. It finds in etcd that the
// shard is its own.
func TestTargetFindsTheOutcomeItself(t *testing.T) {
	t.Parallel()
	p := startPair(t, nil, func(h *clusterv1.Handoff, deliver func(*clusterv1.Handoff)) {
		if h.GetCommitted() == nil && h.GetAborted() == nil {
			deliver(h)
		}
	})
	c := startCrowd(t, []*testNode{p.a, p.b}, 16)
	p.pins.pin(0, "b")
	r := receipt(t, []*testNode{p.a, p.b})
	if r.GetOutcome() != clusterv1.MoveOutcome_MOVE_OUTCOME_MOVED {
		t.Errorf("receipt: %v, want it moved", r)
	}
	t.Logf("%d answers", c.end())
	if got := p.b.node.current.Load().shards[0].Load(); got == nil || uint64(got.hold.Epoch) != r.GetEpoch() {
		t.Error("the target does not serve the shard that it was handed")
	}
}

// The answers to the transaction get lost for longer than the source is patient.
// It must not serve on with what it has in memory: the shard is claimed, which
// finds the target to be the owner, or makes the transaction void for ever.
func TestMoveInDoubt(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		fate clustertest.Fate
		want string
	}{
		{"it has taken effect", clustertest.LoseAnswer, "b"},
		{"it is late", clustertest.Delay, "a"},
		{"it was lost", clustertest.LoseRequest, "a"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := startPair(t, nil, nil)
			c := startCrowd(t, []*testNode{p.a, p.b}, 16)
			epoch := uint64(p.a.view.Routes().Owner(0).Epoch)
			first := new(atomic.Bool)
			p.a.faults.Decide(func(in *pb.TxnRequest) clustertest.Fate {
				if !handsOver(in) {
					return clustertest.Deliver
				}
				if first.CompareAndSwap(false, true) {
					return tc.fate
				}
				return clustertest.LoseRequest
			})
			p.pins.pin(0, "b")
			r := receipt(t, []*testNode{p.a, p.b})
			if r.GetOutcome() != clusterv1.MoveOutcome_MOVE_OUTCOME_IN_DOUBT || r.GetLost() != 0 {
				t.Errorf("receipt: %v, want it in doubt", r)
			}
			awaitServed(t, map[string]*testNode{"a": p.a, "b": p.b}[tc.want], 0, epoch+1)
			// What is late comes after the source has found out: too late.
			landed, err := p.a.faults.Flush(t.Context())
			if landed != 0 || err != nil {
				t.Errorf("%d late transactions took effect, %v; want none", landed, err)
			}
			p.a.faults.Decide(nil)
			awaitOwner(t, p.a, 0, "b")
			t.Logf("%s; %d answers", r.GetWhy(), c.end())
		})
	}
}

// handsOver says whether a transaction hands a shard over: one that puts an
// owner and names by whom it was made so.
func handsOver(in *pb.TxnRequest) bool {
	for _, op := range in.GetSuccess() {
		if v := op.GetRequestPut().GetValue(); len(v) > 0 && string(op.GetRequestPut().GetKey()) == "/holdfast/owners/0" {
			return bytes.Contains(v, []byte(`"handedBy"`))
		}
	}
	return false
}

// awaitServed waits until a node serves a shard at an epoch, or a later one.
func awaitServed(t *testing.T, n *testNode, s cluster.ShardID, epoch uint64) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		if h := n.node.current.Load().shards[s].Load(); h != nil && uint64(h.hold.Epoch) >= epoch {
			return
		}
		select {
		case <-time.After(10 * time.Millisecond): // being served is no event of the view
		case <-deadline:
			t.Fatalf("the node does not serve shard %s", s)
		}
	}
}

// A shard that stops itself while the node gives it up has state that was never
// appended. No checkpoint may have it, and the next owner must not.
func TestShardThatBreaksWhileItIsGivenUp(t *testing.T) {
	t.Parallel()
	stack := devstack.Test(t)
	n := startNode(t, stack, "a", 0)
	n.ready()
	n.sum("x", "Add", 5)
	s := (cluster.ActorID{Kind: "counter", ID: "x"}).Shard(testShards)
	inc := n.node.current.Load()
	h := inc.shards[s].Load()

	held, open := make(chan struct{}), make(chan struct{})
	h.post(errand(func(*hosted) { close(held); <-open }), math.MaxInt)
	<-held
	n.router.Do(&cluster.Command{
		To: cluster.ActorID{Kind: "counter", ID: "x"}, Method: "Trip", Caller: cluster.Caller{Player: "p"}, Body: wrapperspb.Int64(100),
	}, ignored{})
	stopped := make(chan struct{})
	go func() { n.stop(); close(stopped) }()
	for inc.shards[s].Load() != nil { // it is being frozen, behind what waits
		<-time.After(time.Millisecond)
	}
	close(open)
	<-stopped

	next := startNode(t, stack, "a", 0)
	next.ready()
	if got := next.sum("x", "Read", 0); got != 5 {
		t.Errorf("the next owner has %d, want 5: what broke the shard was never appended", got)
	}
}

// ignored is for whom an answer is of no interest.
type ignored struct{}

func (ignored) Answered(*cluster.Answer) {}

// A node that is stopped while its shards are on their way leaves none behind:
// they are with the other node, or released.
func TestStopInTheMiddleOfMoves(t *testing.T) {
	t.Parallel()
	var slow atomic.Bool
	p := startPair(t, nil, func(h *clusterv1.Handoff, deliver func(*clusterv1.Handoff)) {
		// Every move of a's stands still after the first words.
		if !slow.Load() || h.GetFinal() == nil {
			deliver(h)
		}
	})
	c := startCrowd(t, []*testNode{p.b}, 16)
	slow.Store(true)
	for s := range cluster.ShardID(testShards) {
		p.pins.pin(s, "b")
	}
	for p.a.node.current.Load().moves.count() == 0 {
		<-time.After(time.Millisecond)
	}
	p.a.stop()
	for s := range cluster.ShardID(testShards) {
		awaitOwner(t, p.b, s, "b")
	}
	t.Logf("%d answers", c.end())
}
