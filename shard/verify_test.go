package shard

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/internal/devstack"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// ask has a shard's owner do something, as an operator.
func (n *testNode) ask(s cluster.ShardID, method string) *cluster.Answer {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), 10*time.Second)
	defer cancel()
	a, err := n.router.Call(ctx, &cluster.Command{
		To: cluster.ShardActor(s), Method: method, Caller: cluster.Caller{Admin: true}, Body: new(clusterv1.VerifyShard),
	})
	must(n.t, err)
	return a
}

// proof has a shard verified.
func (n *testNode) proof(s cluster.ShardID) *clusterv1.ShardVerified {
	n.t.Helper()
	a := n.ask(s, MethodVerify)
	for a.RetryAfterMs > 0 {
		a = n.ask(s, MethodVerify)
	}
	if a.Code != 0 {
		n.t.Fatalf("verify shard %s: got %s %q", s, a.Code, a.Text)
	}
	if a.Body == nil {
		p := new(clusterv1.ShardVerified)
		must(n.t, proto.Unmarshal(a.Payload, p))
		return p
	}
	return a.Body.(*clusterv1.ShardVerified)
}

// checkpointAll takes a checkpoint of every shard.
func (n *testNode) checkpointAll() {
	n.t.Helper()
	inc := n.node.current.Load()
	for i := range inc.shards {
		must(n.t, inc.takeCheckpoint(n.t.Context(), inc.shards[i].Load()))
	}
}

func TestVerifyFromEveryBase(t *testing.T) {
	n := startNode(t, devstack.Test(t), "a", 0)
	n.ready()
	for round, bases := range [][]string{
		{"first event"},
		{"current checkpoint", "first event"},
		{"current checkpoint", "previous checkpoint"},
	} {
		for i := range 60 {
			n.sum(fmt.Sprintf("c%d", i), "Add", int64(i+round))
		}
		books := n.books()
		var hash, count uint64
		for s := range cluster.ShardID(testShards) {
			p := n.proof(s)
			var got []string
			for _, r := range p.GetReplays() {
				got = append(got, r.GetBase())
				if r.GetHash() != p.GetLiveHash() || r.GetActors() != p.GetActors() {
					t.Errorf("round %d: shard %s: %v, live %016x", round, s, r, p.GetLiveHash())
				}
			}
			if !p.GetEqual() || fmt.Sprint(got) != fmt.Sprint(bases) || p.GetEpoch() == 0 || p.GetThrough().GetSeq() == 0 {
				t.Errorf("round %d: shard %s: got %v, want equal, from %q", round, s, p, bases)
			}
			hash, count = hash+p.GetLiveHash(), count+p.GetActors()
		}
		if hash != books.GetStateHash() || count != books.GetActors() {
			t.Errorf("round %d: verified %d actors of hash %016x, the audit has %d of %016x", round, count, hash, books.GetActors(), books.GetStateHash())
		}
		n.checkpointAll()
	}
}

// Shards are verified while they are at work and checkpoints replace what is
// being read: what was appended later than the look must not count.
func TestVerifyUnderLoad(t *testing.T) {
	n := startNode(t, devstack.Test(t), "a", 0)
	n.ready()
	inc := n.node.current.Load()
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				_, _ = n.router.Call(ctx, &cluster.Command{
					To: cluster.ActorID{Kind: "counter", ID: fmt.Sprintf("c%d", (7*i+w)%50)}, Method: "Add",
					Caller: cluster.Caller{Player: "p"}, Body: wrapperspb.Int64(1),
				})
			}
		})
	}
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			if err := inc.takeCheckpoint(ctx, inc.shards[i%testShards].Load()); err != nil && ctx.Err() == nil {
				t.Errorf("checkpoint: %v", err)
			}
			if err := inc.purge(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("purge: %v", err)
			}
		}
	})
	for i := range 4 * testShards {
		if p := n.proof(cluster.ShardID(i % testShards)); !p.GetEqual() {
			t.Fatalf("shard %d: %v", i%testShards, p)
		}
	}
	stop()
	wg.Wait()
}

func TestVerifyFindsWhatIsWrong(t *testing.T) {
	const id = "x"
	shard := cluster.ActorID{Kind: "counter", ID: id}.Shard(testShards)
	for name, tc := range map[string]struct {
		spoil func(t *testing.T, n *testNode, inc *incarnation, h *hosted)
		want  string
	}{
		"memory has something else": {func(t *testing.T, _ *testNode, _ *incarnation, h *hosted) {
			must(t, h.do(t.Context(), func(h *hosted) {
				a, err := h.people.wake(actors.Ref{Kind: "counter", ID: id})
				must(t, err)
				a.behaviour.(*counter).sum++
			}))
		}, "current checkpoint: counter/x at event 3"},
		"memory has more": {func(t *testing.T, _ *testNode, _ *incarnation, h *hosted) {
			must(t, h.do(t.Context(), func(h *hosted) {
				a, err := h.people.wake(actors.Ref{Kind: "counter", ID: "ghost"})
				must(t, err)
				a.seq = 1
			}))
		}, "in memory 2 of"},
		"the log has more": {func(t *testing.T, _ *testNode, inc *incarnation, h *hosted) {
			event, err := proto.Marshal(wrapperspb.Int64(1))
			must(t, err)
			batch := journal.AppendRecord(nil, &journal.Record{Shard: h.id, Epoch: h.hold.Epoch, Kind: "counter", ID: id, Seq: 4, Event: event})
			_, err = inc.journal.Append(batch, 1)
			must(t, err)
		}, "counter/x at event 4"},
		"the log has a gap": {func(t *testing.T, _ *testNode, inc *incarnation, h *hosted) {
			batch := journal.AppendRecord(nil, &journal.Record{Shard: h.id, Epoch: h.hold.Epoch, Kind: "counter", ID: id, Seq: 9})
			_, err := inc.journal.Append(batch, 1)
			must(t, err)
		}, "events 4 to 8 are missing"},
		"a checkpoint is lost": {func(t *testing.T, n *testNode, inc *incarnation, h *hosted) {
			rec, _, err := n.view.Shard(t.Context(), h.id)
			must(t, err)
			must(t, inc.store.Delete(t.Context(), rec.GetPrevious().GetParts()[0].GetObject()))
		}, "a recovery would fail"},
		"the log is lost": {func(t *testing.T, _ *testNode, inc *incarnation, _ *hosted) {
			must(t, inc.journal.Purge(t.Context(), inc.journal.DurableSeq()))
		}, "a recovery would fail"},
	} {
		t.Run(name, func(t *testing.T) {
			n := startNode(t, devstack.Test(t), "a", 0)
			n.ready()
			for range 3 {
				n.sum(id, "Add", 1)
				n.checkpointAll()
			}
			inc := n.node.current.Load()
			h := inc.shards[shard].Load()
			if name == "the log is lost" {
				n.sum(id, "Add", 1) // what the checkpoints do not have
				n.sum(id, "Add", 1)
			}
			if p := n.proof(shard); !p.GetEqual() {
				t.Fatalf("before: %v", p)
			}
			tc.spoil(t, n, inc, h)
			p := n.proof(shard)
			if p.GetEqual() || !strings.Contains(strings.Join(p.GetDifferences(), "\n"), tc.want) {
				t.Errorf("got %v, want it not equal and %q told", p, tc.want)
			}
		})
	}
}

func TestVerifyIsForOperators(t *testing.T) {
	n := startNode(t, devstack.Test(t), "a", 0)
	n.ready()
	a, err := n.router.Call(t.Context(), &cluster.Command{
		To: cluster.ShardActor(0), Method: MethodVerify, Caller: cluster.Caller{Player: "p"}, Body: new(clusterv1.VerifyShard),
	})
	must(t, err)
	if a.Code != clientv1.Code_CODE_UNAUTHENTICATED {
		t.Errorf("as a player: got %s, want UNAUTHENTICATED", a.Code)
	}
}

// A caller says its call again while it waits: that is one call. One too many is
// turned away.
func TestVerifierQueue(t *testing.T) {
	q := newVerifier()
	add := func(call uint64) bool {
		return q.add(&verification{ask: &cluster.Command{ReplyTo: "b:1", Call: call}})
	}
	for call := range uint64(verifyQueue) {
		for range 2 {
			if !add(call) {
				t.Fatalf("call %d was turned away", call)
			}
		}
	}
	if add(verifyQueue) {
		t.Error("one more than there is room for was taken")
	}
	if got := len(q.next(t.Context())); got != verifyQueue {
		t.Errorf("got %d to verify, want %d", got, verifyQueue)
	}
	if !add(0) || len(q.queue) != 0 {
		t.Error("a call under way was queued again")
	}
	q.forget(&cluster.Command{ReplyTo: "b:1", Call: 0})
	if !add(0) || len(q.queue) != 1 {
		t.Error("a call that was answered cannot be made again")
	}
}
