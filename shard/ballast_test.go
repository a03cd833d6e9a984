package shard

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/internal/devstack"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// smallPiece makes the ballast 2 MiB, and a store of 10 MiB a large one.
const smallPiece = 64 << 10

func smallBallast(c *Config) { c.ballastPiece = smallPiece }

// smallStore is a stack whose NATS stores little.
func smallStore(t *testing.T) *devstack.Stack {
	t.Helper()
	s, err := devstack.Start(t.Context(), devstack.Config{Dir: t.TempDir(), NATSMaxStore: 10 << 20})
	must(t, err)
	t.Cleanup(s.Close)
	return s
}

// until waits for what is no event anywhere.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("never came: %s", what)
		}
	}
}

// filler is somebody else who uses the same store.
type filler struct {
	t      *testing.T
	js     jetstream.JetStream
	stream jetstream.Stream
}

func newFiller(n *testNode, t *testing.T) *filler {
	t.Helper()
	s, err := n.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "FILLER", Subjects: []string{"filler"}})
	must(t, err)
	return &filler{t, n.js, s}
}

// fill takes all the room there is.
func (f *filler) fill() {
	f.t.Helper()
	for {
		_, err := f.js.Publish(f.t.Context(), "filler", bytes.Repeat([]byte{1}, 128<<10))
		if journal.StoreFull(err) {
			return
		}
		must(f.t, err)
	}
}

// whole waits until the ballast lies in the store.
func (n *testNode) whole(t *testing.T) {
	t.Helper()
	until(t, "the ballast", func() bool {
		s, err := n.js.Stream(t.Context(), "hf_"+n.view.ClusterID()+"_ballast")
		return err == nil && s.CachedInfo().State.Msgs == ballastPieces
	})
}

// While the store is full the node turns new commands away, keeps its shards,
// finishes what is under way, and goes on by itself when there is room.
func TestAFullStore(t *testing.T) {
	t.Parallel()
	n := startNode(t, smallStore(t), "a", 0, smallBallast)
	n.ready()
	n.whole(t)
	inc := n.node.current.Load()
	want := n.sum("x", "Add", 5)
	f := newFiller(n, t)
	f.fill()

	// The command that finds out is under way, and is finished in the ballast's room.
	until(t, "OVERLOADED", func() bool {
		a := n.call("x", "Add", 1)
		if a.Code == 0 {
			want++
		} else if a.Code != clientv1.Code_CODE_OVERLOADED || a.RetryAfterMs == 0 {
			t.Fatalf("got %s %q, retry after %d ms, want OVERLOADED and a hint", a.Code, a.Text, a.RetryAfterMs)
		}
		return a.Code != 0
	})
	if inc.journal.Full() {
		t.Error("the log is still full, although the ballast was given up")
	}
	if got := n.sum("x", "Read", 0); got != want {
		t.Errorf("reads go on: got %d, want %d", got, want)
	}
	if got := n.call("x", "Whisper", 1); got.Code != clientv1.Code_CODE_OVERLOADED {
		t.Errorf("a command that leads to events elsewhere: got %s, want OVERLOADED", got.Code)
	}

	// Then the last room is gone too, with work under way.
	x := cluster.ActorID{Kind: "counter", ID: "x"}
	until(t, "a log that stands still for long", func() bool {
		f.fill() // also what a try to restore the ballast has left
		last, idle := inc.journal.LastProgress()
		if idle {
			inc.message(&cluster.Message{Shard: x.Shard(testShards), From: x, To: x, Body: wrapperspb.Int64(10)})
			want += 10
		}
		return !idle && time.Since(last) > stuckAfter+100*time.Millisecond
	})
	if !inc.progress() {
		t.Error("the lease is no longer kept alive, although nobody else could write either")
	}
	began := time.Now()
	if got := n.call("x", "Read", 0); got.Code != clientv1.Code_CODE_OVERLOADED || time.Since(began) > time.Second {
		t.Errorf("what cannot leave before there is room: got %s after %v, want OVERLOADED at once", got.Code, time.Since(began))
	}

	must(t, f.stream.Purge(t.Context()))
	until(t, "commands that are taken again", func() bool { return n.call("x", "Add", 0).Code == 0 })
	if got := n.sum("x", "Read", 0); got != want {
		t.Errorf("after all: got %d, want %d", got, want)
	}
	n.whole(t)
	if now := n.node.current.Load(); now != inc {
		t.Error("the node has gone through another incarnation")
	}
}

// Shards can be taken over while the store is full: a seal fits.
func TestAClaimInAFullStore(t *testing.T) {
	t.Parallel()
	stack := smallStore(t)
	n := startNode(t, stack, "a", 0, smallBallast)
	n.ready()
	n.whole(t)
	n.sum("x", "Add", 5)
	newFiller(n, t).fill()
	again := startNode(t, stack, "a", n.lease, smallBallast)
	again.ready()
	if got := again.sum("x", "Read", 0); got != 5 {
		t.Errorf("got %d, want 5", got)
	}
}

// All nodes turn work away, also those that have not met the full store.
func TestAllNodesKnowThatTheStoreIsFull(t *testing.T) {
	t.Parallel()
	stack := smallStore(t)
	a := startNode(t, stack, "a", 0, smallBallast)
	b := startNode(t, stack, "b", 0, smallBallast)
	a.ready()
	b.ready()
	a.whole(t)
	f := newFiller(a, t)
	f.fill()
	a.node.current.Load().ballast.storeFull()
	for name, n := range map[string]*testNode{"a": a, "b": b} {
		until(t, name+" to turn work away", n.node.current.Load().ballast.spent.Load)
	}
	must(t, f.stream.Purge(t.Context()))
	for name, n := range map[string]*testNode{"a": a, "b": b} {
		until(t, name+" to take work again", func() bool { return !n.node.current.Load().ballast.spent.Load() })
	}
	a.whole(t)
}

func TestTheBallastIsRestoredOnce(t *testing.T) {
	conn, err := smallStore(t).ConnectNATS()
	must(t, err)
	defer conn.Close()
	js, err := jetstream.New(conn)
	must(t, err)
	keepers := make([]*ballast, 3)
	for i := range keepers {
		keepers[i] = newBallast(js, "c7", 1, smallPiece, slog.New(slog.DiscardHandler), NewMetrics(nil))
	}
	state := func() jetstream.StreamState {
		s, err := keepers[0].open(t.Context())
		must(t, err)
		return s.CachedInfo().State
	}
	all := func() {
		var wg sync.WaitGroup
		for _, b := range keepers {
			wg.Go(func() {
				if err := b.look(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	due := func() {
		for _, b := range keepers {
			b.tried, b.pause = time.Time{}, restoreFirst
		}
	}
	all()
	if got := state(); got.Msgs != ballastPieces || got.LastSeq != ballastPieces {
		t.Errorf("at first: got %+v, want %d messages, written once", got, ballastPieces)
	}
	must(t, keepers[0].giveUp(t.Context()))
	due()
	all()
	if got := state(); got.Msgs != ballastPieces || got.LastSeq != 2*ballastPieces+sparePieces {
		t.Errorf("restored: got %+v, want %d messages, written once with the spare ones", got, ballastPieces)
	}
	// Whoever was at it died: the next goes on.
	must(t, keepers[0].giveUp(t.Context()))
	for range ballastPieces + 3 {
		_, err := js.Publish(t.Context(), keepers[0].subject, make([]byte, smallPiece))
		must(t, err)
	}
	due()
	all()
	if got := state(); got.Msgs != ballastPieces {
		t.Errorf("taken up: got %d messages, want %d", got.Msgs, ballastPieces)
	}
	for i, b := range keepers {
		if must(t, b.look(t.Context())); b.spent.Load() {
			t.Errorf("node %d turns work away", i)
		}
	}
}
