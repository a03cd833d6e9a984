package shard

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/internal/devstack"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// letters waits until the box holds n letters, and returns them.
func letters(t *testing.T, b *Letterbox, n int) []KeptLetter {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		got, kept, err := b.List(t.Context(), 0, 100)
		must(t, err)
		if len(got) == n && kept == uint64(n) {
			return got
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("%d letters (%d kept), want %d", len(got), kept, n)
		}
	}
}

func TestLetterbox(t *testing.T) {
	stack := devstack.Test(t)
	n := startNode(t, stack, "a", 0)
	box := NewLetterbox(n.js, n.view.ClusterID())
	n.ready()
	if got := letters(t, box, 0); len(got) != 0 {
		t.Fatalf("a new cluster has letters: %v", got)
	}
	ctx := t.Context()
	body := wrapperspb.Int64(7)
	for range 3 {
		a, err := n.router.Call(ctx, &cluster.Command{
			To: cluster.ActorID{Kind: "counter", ID: "x"}, Method: "Panic", Request: 9, Caller: cluster.Caller{Player: "ann"}, Body: body,
		})
		must(t, err)
		if a.Code != clientv1.Code_CODE_INTERNAL {
			t.Fatalf("got %s, want INTERNAL", a.Code)
		}
	}
	got := letters(t, box, 3)
	l, err := box.Get(ctx, got[0].ID)
	must(t, err)
	var kept wrapperspb.Int64Value
	must(t, proto.Unmarshal(l.Payload, &kept))
	if l.Actor != "counter/x" || l.Method != "Panic" || l.Player != "ann" || l.Operator || l.Request != 9 || !proto.Equal(&kept, body) ||
		l.Type != "google.protobuf.Int64Value" || string(l.Body) != `"7"` {
		t.Errorf("letter %+v does not hold what was asked", l)
	}
	after, _, err := box.List(ctx, got[0].ID, 1)
	must(t, err)
	if len(after) != 1 || after[0].ID != got[1].ID {
		t.Errorf("behind %s: %v, want %s alone", got[0].ID, after, got[1].ID)
	}

	// The first claim counts, until it is taken back.
	claim := func(id LetterID, request, want uint64) {
		t.Helper()
		counts, err := box.Claim(ctx, id, request)
		must(t, err)
		noted, ok, err := box.Claimed(ctx, id)
		must(t, err)
		if counts != want || noted != want || !ok {
			t.Errorf("claim under %d: %d counts, %d (%t) is noted, want %d", request, counts, noted, ok, want)
		}
	}
	claim(got[1].ID, 20, 20)
	claim(got[1].ID, 21, 20)
	must(t, box.Unclaim(ctx, got[1].ID))
	must(t, box.Unclaim(ctx, got[1].ID))
	claim(got[1].ID, 22, 22)
	if got := letters(t, box, 3); len(got) != 3 {
		t.Errorf("claims are listed among the letters: %v", got)
	}

	must(t, box.Drop(ctx, got[1].ID))
	for _, id := range []LetterID{0, got[1].ID, got[2].ID + 2, 1000} { // never, dropped, a claim, not yet
		_, getErr := box.Get(ctx, id)
		if dropErr := box.Drop(ctx, id); !errors.Is(getErr, ErrNoLetter) || !errors.Is(dropErr, ErrNoLetter) {
			t.Errorf("letter %s: get %v, drop %v, want ErrNoLetter", id, getErr, dropErr)
		}
	}
	if _, ok, err := box.Claimed(ctx, got[1].ID); ok || err != nil {
		t.Errorf("the claim outlives its letter (%v)", err)
	}

	dropped, err := box.DropThrough(ctx, got[0].ID)
	must(t, err)
	if left := letters(t, box, 1); dropped != 1 || left[0].ID != got[2].ID {
		t.Errorf("dropped %d through %s; left are %v", dropped, got[0].ID, left)
	}
}

func TestLetterboxOfNoCluster(t *testing.T) {
	stack := devstack.Test(t)
	nc, err := stack.ConnectNATS()
	must(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	must(t, err)
	box := NewLetterbox(js, "nobody")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := box.Get(ctx, 1); !errors.Is(err, ErrNoLetter) {
		t.Errorf("get: %v, want ErrNoLetter", err)
	}
	if dropped, err := box.DropThrough(ctx, 10); dropped != 0 || err != nil {
		t.Errorf("drop: %d, %v", dropped, err)
	}
	letters(t, box, 0)
}
