package cluster_test

import (
	"context"
	"fmt"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/clustertest"
)

// successor is b, whose records of the shard would begin with entry 3.
func (b *pair) successor() cluster.Successor {
	return cluster.Successor{
		Node: b.b.Name(), Incarnation: b.b.Incarnation(), Address: "b", Lease: b.b.LeaseID(), Log: logOf(b.b), From: 3,
	}
}

func (b *pair) expect() *cluster.Expectation {
	return b.b.Expect(0, b.a.Incarnation(), 2, logOf(b.b), 3)
}

func (b *pair) lowest() string {
	b.Helper()
	low, named, err := b.b.LowestFrom(b.Context(), logOf(b.b))
	if err != nil {
		b.Fatal(err)
	}
	return fmt.Sprint(low, " ", named)
}

func TestHandOver(t *testing.T) {
	b := newPair(t, nil)
	h := b.serve(b.a, 0)
	e := b.expect()
	if got := b.lowest(); got != "3 true" {
		t.Errorf("while it is expected, the log is kept from: got %s, want 3 true", got)
	}
	_, err := b.b.Adopt(t.Context(), e)
	wantErr(t, "adopt before", err, cluster.ErrUndecided)

	if err := b.a.HandOver(t.Context(), h, 8, b.successor()); err != nil {
		t.Fatal(err)
	}
	if got := b.owner(); got != "b:2" {
		t.Errorf("owner: got %s, want b:2", got)
	}
	segs := b.record().GetSegments()
	if len(segs) != 2 || segs[0].GetTo() != 8 || segs[1].GetLog() != string(logOf(b.b)) || segs[1].GetFrom() != 3 || segs[1].GetEpoch() != 2 || segs[1].To != nil {
		t.Errorf("segments: got %v, want a's closed at 8 and b's open from 3", segs)
	}
	if _, err = b.a.PutCheckpoint(t.Context(), h, checkpoint(b.a, 1, 7, "late")); err == nil {
		t.Error("the former owner can put a checkpoint")
	}

	got, err := b.b.Adopt(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	if got.Epoch != 2 || b.lowest() != "3 true" {
		t.Errorf("adopted at epoch %d with the log kept from %s, want 2, 3 true", got.Epoch, b.lowest())
	}
	// The holding is good for all that a claimed one is.
	if _, err := b.b.PutCheckpoint(t.Context(), got, checkpoint(b.b, 2, 4, "o")); err != nil {
		t.Error(err)
	}
	if err := b.b.Release(t.Context(), got, 9); err != nil {
		t.Error(err)
	}
}

// Players wait while a shard is adopted. What the watch has shown is not asked for
// again, and the holding is as good.
func TestAdoptBelievesTheWatch(t *testing.T) {
	b := newPair(t, nil)
	h := b.serve(b.b, 0)
	e := b.a.Expect(0, b.b.Incarnation(), 2, logOf(b.a), 3)
	err := b.b.HandOver(t.Context(), h, 8, cluster.Successor{
		Node: b.a.Name(), Incarnation: b.a.Incarnation(), Address: "a", Lease: b.a.LeaseID(), Log: logOf(b.a), From: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	for changed := b.view.Changed(); b.view.Routes().Owner(0).Incarnation != b.a.Incarnation(); changed = b.view.Changed() {
		<-changed
	}
	asked := 0
	b.faults.Decide(func(*pb.TxnRequest) clustertest.Fate {
		asked++
		return clustertest.Deliver
	})
	got, err := b.a.Adopt(t.Context(), e)
	b.faults.Decide(nil)
	if err != nil {
		t.Fatal(err)
	}
	if asked != 0 {
		t.Errorf("etcd was asked %d times, want 0", asked)
	}
	if _, err := b.a.PutCheckpoint(t.Context(), got, checkpoint(b.a, 2, 4, "o")); err != nil {
		t.Error(err)
	}
	if err := b.a.Release(t.Context(), got, 9); err != nil {
		t.Error(err)
	}
}

// The lease that a shard is handed to can end before, between and after the
// copies of the transaction.
func TestHandOverToANodeThatIsGone(t *testing.T) {
	e := clustertest.Start(t)
	for _, tc := range []struct {
		name  string
		fates []clustertest.Fate // of what is sent before the lease ends
		want  error
		owner string
	}{
		{"before anything was sent", nil, cluster.ErrSuccessorGone, "a:1"},
		{"after a copy that got lost", []clustertest.Fate{clustertest.LoseRequest}, cluster.ErrSuccessorGone, "a:1"},
		{"after a copy that is late", []clustertest.Fate{clustertest.Delay}, cluster.ErrSuccessorGone, "a:1"},
		{"after a copy that took effect", []clustertest.Fate{clustertest.LoseAnswer}, nil, "nobody"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newPair(t, e)
			h := b.serve(b.a, 0)
			next, sent := b.successor(), 0
			b.faults.Decide(func(*pb.TxnRequest) clustertest.Fate {
				if sent++; sent <= len(tc.fates) {
					return tc.fates[sent-1]
				}
				if err := b.b.Leave(t.Context()); err != nil {
					t.Error(err)
				}
				return clustertest.Deliver
			})
			err := b.a.HandOver(t.Context(), h, 8, next)
			b.faults.Decide(nil)
			if tc.want == nil && err != nil {
				t.Errorf("got %v, want success", err)
			} else if tc.want != nil {
				wantErr(t, "hand over", err, tc.want)
			}
			if _, err := b.faults.Flush(t.Context()); err == nil && tc.name == "after a copy that is late" {
				t.Error("a late copy was not refused for its lease")
			}
			if got := b.owner(); got != tc.owner {
				t.Errorf("owner: got %s, want %s", got, tc.owner)
			}
			if tc.want != nil { // the holding stands as it did
				if _, err := b.a.PutCheckpoint(t.Context(), h, checkpoint(b.a, 1, 7, "o")); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			}
		})
	}
}

// An expectation lasts as long as the transaction can land, whatever else the
// member does, and not longer.
func TestExpectation(t *testing.T) {
	e := clustertest.Start(t)
	t.Run("outlives a claim that came too early", func(t *testing.T) {
		b := newPair(t, e)
		b.serve(b.a, 0)
		b.expect()
		_, err := b.b.Acquire(t.Context(), 0)
		wantErr(t, "acquire", err, cluster.ErrOwned)
		if got := b.lowest(); got != "3 true" {
			t.Errorf("got %s, want 3 true", got)
		}
	})
	t.Run("of an owner that has taken the shard back", func(t *testing.T) {
		b := newPair(t, e)
		b.serve(b.a, 0)
		x := b.expect()
		b.acquire(b.a)
		_, err := b.b.Adopt(t.Context(), x)
		wantErr(t, "adopt", err, cluster.ErrNotOwner)
		if b.b.Forgo(x); b.lowest() != "0 false" {
			t.Errorf("got %s, want 0 false", b.lowest())
		}
	})
	t.Run("of an owner that is gone, and the shard claimed by oneself", func(t *testing.T) {
		b := newPair(t, e)
		b.serve(b.a, 0)
		x := b.expect()
		b.expire()
		own := b.acquire(b.b)
		// At the very epoch that was expected, and yet nobody handed it over.
		_, err := b.b.Adopt(t.Context(), x)
		wantErr(t, "adopt", err, cluster.ErrNotOwner)
		if own.Epoch != 2 || b.lowest() != "0 false" {
			t.Errorf("got epoch %d, log kept from %s; want 2, 0 false", own.Epoch, b.lowest())
		}
	})
}

// A transaction that was given up lands later: the owner finds out by acquiring,
// which either is refused or makes the transaction void.
func TestHandOverGivenUp(t *testing.T) {
	e := clustertest.Start(t)
	for _, tc := range []struct {
		name  string
		flush bool // it lands before the owner acquires
		owner string
	}{{"void", false, "a:2"}, {"landed", true, "b:2"}} {
		t.Run(tc.name, func(t *testing.T) {
			b := newPair(t, e)
			h := b.serve(b.a, 0)
			x := b.expect()
			ctx, cancel := context.WithCancel(t.Context())
			b.faults.Decide(func(*pb.TxnRequest) clustertest.Fate { cancel(); return clustertest.Delay })
			wantErr(t, "hand over", b.a.HandOver(ctx, h, 8, b.successor()), cluster.ErrUnavailable)
			b.faults.Decide(nil)
			if tc.flush {
				if n, err := b.faults.Flush(t.Context()); n != 1 || err != nil {
					t.Fatal(n, err)
				}
				_, err := b.a.Acquire(t.Context(), 0)
				wantErr(t, "acquire", err, cluster.ErrOwned)
			} else {
				b.acquire(b.a)
				if n, err := b.faults.Flush(t.Context()); n != 0 || err != nil {
					t.Errorf("%d landed, %v, want none", n, err)
				}
			}
			if got := b.owner(); got != tc.owner {
				t.Errorf("owner: got %s, want %s", got, tc.owner)
			}
			_, err := b.b.Adopt(t.Context(), x)
			if tc.flush != (err == nil) {
				t.Errorf("adopt: got %v", err)
			}
		})
	}
}

func TestOutlook(t *testing.T) {
	b := newPair(t, nil)
	b.acquire(b.a)
	if _, err := b.b.Outlook(t.Context(), 0, b.a.Incarnation(), 1, 8); err == nil {
		t.Error("a shard that is not served yet can be prepared for")
	}
	b.serve(b.a, 0)
	rec, err := b.b.Outlook(t.Context(), 0, b.a.Incarnation(), 2, 8)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(rec.GetSegments()); rec.GetSegments()[n-1].GetTo() != 8 {
		t.Errorf("got %v, want the last segment closed at 8", rec)
	}
	_, err = b.b.Outlook(t.Context(), 0, b.a.Incarnation(), 1, 8)
	wantErr(t, "outlook at an old epoch", err, cluster.ErrNotOwner)
}
