package cluster_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/clustertest"
)

// TestUnknownOutcome loses answers in every way, and wants what happens without.
func TestUnknownOutcome(t *testing.T) {
	e := clustertest.Start(t)
	fates := map[string][]clustertest.Fate{
		"request lost":         {clustertest.LoseRequest},
		"answer lost":          {clustertest.LoseAnswer},
		"late":                 {clustertest.Delay},
		"request, then answer": {clustertest.LoseRequest, clustertest.LoseAnswer},
		"late, then answer":    {clustertest.Delay, clustertest.LoseAnswer},
	}
	acquire := write{"acquire", func(ctx context.Context, m *cluster.Member, _ *cluster.Holding) error {
		h, err := m.Acquire(ctx, 0)
		if err == nil {
			_, err = h, m.Serve(ctx, h, 0, logOf(m), 5) // The holding must be good for more.
		}
		return err
	}, func(*pair) *cluster.Holding { return nil }}
	for _, w := range append([]write{acquire}, writes...) {
		calm := newPair(t, e)
		if err := w.do(t.Context(), calm.a, w.from(calm)); err != nil {
			t.Fatal(err)
		}
		want, wantOwner := calm.record(), calm.owner()
		for name, fate := range fates {
			t.Run(w.name+", "+name, func(t *testing.T) {
				b := newPair(t, e)
				h := w.from(b)
				b.faults.Next(fate...)
				if err := w.do(t.Context(), b.a, h); err != nil {
					t.Fatal(err)
				}
				if n, err := b.faults.Flush(t.Context()); err != nil || n != 0 {
					t.Errorf("delayed transactions: %d landed, %v, want none", n, err)
				}
				if got := b.record(); !proto.Equal(got, want) {
					t.Errorf("record: got %v, want %v", got, want)
				}
				if got := b.owner(); got != wantOwner {
					t.Errorf("owner: got %s, want %s", got, wantOwner)
				}
			})
		}
	}
}

// TestGivenUp gives a call up while its outcome is unknown, and makes it again.
func TestGivenUp(t *testing.T) {
	e := clustertest.Start(t)
	for _, w := range writes {
		for name, fate := range map[string]clustertest.Fate{"lost": clustertest.LoseRequest, "landed": clustertest.LoseAnswer, "late": clustertest.Delay} {
			t.Run(w.name+", "+name, func(t *testing.T) {
				b := newPair(t, e)
				h := w.from(b)
				ctx, cancel := context.WithCancel(t.Context())
				b.faults.Decide(func(*pb.TxnRequest) clustertest.Fate { cancel(); return fate })
				wantErr(t, w.name, w.do(ctx, b.a, h), cluster.ErrUnavailable)
				b.faults.Decide(nil)
				if err := w.do(t.Context(), b.a, h); err != nil {
					t.Errorf("again: %v", err)
				}
				if n, err := b.faults.Flush(t.Context()); err != nil || n != 0 {
					t.Errorf("delayed transactions: %d landed, %v, want none", n, err)
				}
			})
		}
	}
}

// TestGivenUpAcquire: the shard turns up in Owned, and is acquired anew.
func TestGivenUpAcquire(t *testing.T) {
	b := newPair(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	b.faults.Decide(func(*pb.TxnRequest) clustertest.Fate { cancel(); return clustertest.LoseAnswer })
	_, err := b.a.Acquire(ctx, 0)
	wantErr(t, "acquire", err, cluster.ErrUnavailable)
	b.faults.Decide(nil)
	if owned, err := b.a.Owned(t.Context()); err != nil || !slices.Equal(owned, []cluster.ShardID{0}) {
		t.Errorf("owned: got %v, %v, want shard 0", owned, err)
	}
	if h := b.acquire(b.a); h.Epoch != 2 {
		t.Errorf("epoch: got %d, want 2", h.Epoch)
	}
}

func TestReleaseWhoseAnswerIsLostToAQuickSuccessor(t *testing.T) {
	b := newPair(t, nil)
	h := b.serve(b.a, 0)
	n := 0
	b.faults.Decide(func(*pb.TxnRequest) clustertest.Fate {
		if n++; n == 1 {
			return clustertest.LoseAnswer
		}
		b.serve(b.b, 0)
		return clustertest.Deliver
	})
	if err := b.a.Release(t.Context(), h, 9); err != nil {
		t.Errorf("got %v, want the release recognized", err)
	}
	if got := b.owner(); got != "b:2" {
		t.Errorf("owner: got %s, want b:2", got)
	}
}

// TestServeReplacesItsEarlierTries: the first landed and was given up, the
// second has seen that and was given up, the third counts.
func TestServeReplacesItsEarlierTries(t *testing.T) {
	b := newPair(t, nil)
	h := b.acquire(b.a)
	giveUp := func(from cluster.LogSeq, fates ...clustertest.Fate) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		b.faults.Decide(func(*pb.TxnRequest) clustertest.Fate {
			fate := fates[0]
			if fates = fates[1:]; len(fates) == 0 {
				cancel()
			}
			return fate
		})
		wantErr(t, "serve", b.a.Serve(ctx, h, 0, logOf(b.a), from), cluster.ErrUnavailable)
		b.faults.Decide(nil)
	}
	giveUp(5, clustertest.LoseAnswer)
	giveUp(9, clustertest.Deliver, clustertest.LoseRequest)
	if err := b.a.Serve(t.Context(), h, 0, logOf(b.a), 12); err != nil {
		t.Fatal(err)
	}
	if segs := b.record().GetSegments(); len(segs) != 1 || segs[0].GetFrom() != 12 {
		t.Errorf("segments: got %v, want one from 12", segs)
	}
}

// TestHoldingIsGoodAfterALostAnswer makes one more write on it.
func TestHoldingIsGoodAfterALostAnswer(t *testing.T) {
	b := newPair(t, nil)
	h := b.acquire(b.a)
	b.faults.Next(clustertest.LoseAnswer)
	if err := b.a.Serve(t.Context(), h, 0, logOf(b.a), 5); err != nil {
		t.Fatal(err)
	}
	for from := range uint64(3) {
		b.faults.Next(clustertest.LoseAnswer)
		dropped, err := b.a.PutCheckpoint(t.Context(), h, checkpoint(b.a, h.Epoch, 6+from, fmt.Sprint("cp", from)))
		if err != nil {
			t.Fatal(err)
		}
		if from == 2 && !slices.Equal(dropped, []string{"cp0"}) {
			t.Errorf("dropped: got %v, want the first", dropped)
		}
	}
	if err := b.a.Release(t.Context(), h, 9); err != nil {
		t.Fatal(err)
	}
}
