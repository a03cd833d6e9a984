package cluster_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/clustertest"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

func TestAcquireWritesOneEpochToBothKeys(t *testing.T) {
	b := newPair(t, nil)
	for want := range cluster.Epoch(3) {
		h := b.acquire(b.a)
		owner, err := b.raw.Get(t.Context(), b.prefix+"/owners/0")
		if err != nil {
			t.Fatal(err)
		}
		rec, rev, err := b.view.Shard(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		kv := owner.Kvs[0]
		if h.Epoch != want+1 || rec.GetEpoch() != uint64(want+1) || !strings.Contains(string(kv.Value), fmt.Sprintf(`"%d"`, want+1)) {
			t.Errorf("epoch: got %d, record %d, owner %s, want %d in all", h.Epoch, rec.GetEpoch(), kv.Value, want+1)
		}
		if kv.ModRevision != rev {
			t.Errorf("owner and record are of different transactions: %d and %d", kv.ModRevision, rev)
		}
		if kv.Lease != int64(b.a.LeaseID()) {
			t.Errorf("owner is on lease %x, want the member's, %x", kv.Lease, b.a.LeaseID())
		}
		if err := b.a.Release(t.Context(), h, 0); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAcquireRace(t *testing.T) {
	b := newPair(t, nil)
	for s := range cluster.ShardID(8) {
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i, m := range []*cluster.Member{b.a, b.b} {
			wg.Go(func() { _, errs[i] = m.Acquire(t.Context(), s) })
		}
		wg.Wait()
		var owned *cluster.OwnedError
		switch {
		case (errs[0] == nil) == (errs[1] == nil):
			t.Errorf("shard %d: got %v and %v, want exactly one to win", s, errs[0], errs[1])
		case !errors.As(errors.Join(errs...), &owned) || !errors.Is(owned, cluster.ErrOwned) || !owned.Owner.Owned():
			t.Errorf("shard %d: got %v, want an OwnedError that names the winner", s, errors.Join(errs...))
		}
	}
}

// between makes do happen after a's next transaction was computed and before it
// takes effect.
func (b *pair) between(do func()) {
	b.faults.Decide(func(*pb.TxnRequest) clustertest.Fate {
		b.faults.Decide(nil)
		do()
		return clustertest.Deliver
	})
}

func TestAcquireComparesRecord(t *testing.T) {
	e := clustertest.Start(t)
	// b acquires, serves and releases the shard between a's look and a's
	// transaction. The owner's key is absent again, as a has seen it.
	scenario := func(t *testing.T, ignore func(string) bool) (*pair, *cluster.Holding, error) {
		b := newPair(t, e)
		b.faults.Ignore(ignore)
		b.between(func() {
			h := b.serve(b.b, 0)
			if err := b.b.Release(t.Context(), h, 9); err != nil {
				t.Fatal(err)
			}
		})
		h, err := b.a.Acquire(t.Context(), 0)
		return b, h, err
	}
	b, h, err := scenario(t, nil)
	if err != nil || h.Epoch != 2 || len(b.record().GetSegments()) != 1 {
		t.Errorf("got %+v, %v, want epoch 2 and b's segment kept", h, err)
	}
	b, h, err = scenario(t, key("/shards/"))
	if err != nil || h.Epoch != 1 || len(b.record().GetSegments()) != 0 {
		t.Errorf("without the guard: got %+v, %v, want b's epoch used twice and its segment lost", h, err)
	}
}

func TestAcquireComparesOwner(t *testing.T) {
	e := clustertest.Start(t)
	// Only somebody who breaks the rules puts an owner without touching the
	// record. The guard stands all the same.
	scenario := func(t *testing.T, ignore func(string) bool) error {
		b := newPair(t, e)
		b.faults.Ignore(ignore)
		b.between(func() {
			if _, err := b.raw.Put(t.Context(), b.prefix+"/owners/0", `{"incarnation":"c-1"}`); err != nil {
				t.Fatal(err)
			}
		})
		_, err := b.a.Acquire(t.Context(), 0)
		return err
	}
	wantErr(t, "acquire", scenario(t, nil), cluster.ErrOwned)
	if err := scenario(t, key("/owners/")); err != nil {
		t.Errorf("without the guard: got %v, want it to take the shard from its owner", err)
	}
}

func TestAcquireStopsAtMixedCopies(t *testing.T) {
	b := newPair(t, nil)
	b.acquire(b.a)
	if _, err := b.raw.Put(t.Context(), b.prefix+"/shards/0", `{"epoch":"7"}`); err != nil {
		t.Fatal(err)
	}
	_, err := b.b.Acquire(t.Context(), 0)
	wantErr(t, "acquire", err, cluster.ErrRolledBack)
}

// write is one of the transactions on a holding.
type write struct {
	name string
	do   func(ctx context.Context, m *cluster.Member, h *cluster.Holding) error
	// from prepares the holding that do works on.
	from func(b *pair) *cluster.Holding
}

var writes = []write{
	{"serve", func(ctx context.Context, m *cluster.Member, h *cluster.Holding) error {
		return m.Serve(ctx, h, 0, logOf(m), 5)
	}, func(b *pair) *cluster.Holding { return b.acquire(b.a) }},
	{"put checkpoint", func(ctx context.Context, m *cluster.Member, h *cluster.Holding) error {
		_, err := m.PutCheckpoint(ctx, h, checkpoint(m, h.Epoch, 7, "o"))
		return err
	}, func(b *pair) *cluster.Holding { return b.serve(b.a, 0) }},
	{"release", func(ctx context.Context, m *cluster.Member, h *cluster.Holding) error {
		return m.Release(ctx, h, 8)
	}, func(b *pair) *cluster.Holding { return b.serve(b.a, 0) }},
	handOver(),
}

// handOver hands to b, of the pair that it was prepared for last.
func handOver() write {
	var next cluster.Successor
	return write{"hand over", func(ctx context.Context, m *cluster.Member, h *cluster.Holding) error {
		return m.HandOver(ctx, h, 8, next)
	}, func(b *pair) *cluster.Holding {
		next = b.successor()
		return b.serve(b.a, 0)
	}}
}

func TestStaleHolderIsRefused(t *testing.T) {
	e := clustertest.Start(t)
	ends := []struct {
		name  string
		do    func(b *pair)
		guard func(string) bool // the one that catches it
		owner string            // afterwards
	}{
		{"another owns it", func(b *pair) { b.expire(); b.acquire(b.b) }, key(""), "b:2"},
		{"nobody owns it", func(b *pair) { b.expire() }, key("/owners/"), "nobody"},
		{"it was acquired anew", func(b *pair) { b.acquire(b.a) }, key(""), "a:2"},
	}
	for _, w := range writes {
		for _, end := range ends {
			t.Run(w.name+", "+end.name, func(t *testing.T) {
				b := newPair(t, e)
				h := w.from(b)
				end.do(b)
				was := b.record()

				err := w.do(t.Context(), b.a, h)
				wantErr(t, w.name, err, cluster.ErrNotOwner)
				var no *cluster.NotOwnerError
				if errors.As(err, &no) && no.Owner.Owned() != (end.owner != "nobody") {
					t.Errorf("got an error that names %v, want %s", no.Owner, end.owner)
				}
				if now := b.record(); !proto.Equal(was, now) {
					t.Errorf("the record changed from %v to %v", was, now)
				}
				if got := b.owner(); got != end.owner {
					t.Errorf("owner: got %s, want %s", got, end.owner)
				}

				b.faults.Ignore(end.guard)
				if err := w.do(t.Context(), b.a, h); err != nil {
					t.Errorf("without the guard: got %v, want it to write", err)
				}
				if proto.Equal(was, b.record()) && b.owner() == end.owner {
					t.Error("without the guard nothing changed: this test shows nothing")
				}
			})
		}
	}
}

func TestLateWriteIsRefused(t *testing.T) {
	e := clustertest.Start(t)
	// A checkpoint is given up, another is put, then the first one lands.
	scenario := func(t *testing.T, ignore func(string) bool) string {
		b := newPair(t, e)
		h := b.serve(b.a, 0)
		b.faults.Ignore(ignore)
		b.faults.Decide(func(*pb.TxnRequest) clustertest.Fate { return clustertest.Delay })
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := b.a.PutCheckpoint(ctx, h, checkpoint(b.a, h.Epoch, 6, "first"))
		wantErr(t, "put checkpoint", err, cluster.ErrUnavailable)
		b.faults.Decide(nil)
		if _, err := b.a.PutCheckpoint(t.Context(), h, checkpoint(b.a, h.Epoch, 7, "second")); err != nil {
			t.Fatal(err)
		}
		if _, err := b.faults.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		return b.record().GetCurrent().GetParts()[0].GetObject()
	}
	if got := scenario(t, nil); got != "second" {
		t.Errorf("current checkpoint: got %s, want the second", got)
	}
	if got := scenario(t, key("/shards/")); got != "first" {
		t.Errorf("without the guard: got %s, want the first to come back", got)
	}
}

func TestReleaseOfAClaimLeavesTheSegmentOpen(t *testing.T) {
	b := newPair(t, nil)
	b.serve(b.a, 0)
	b.expire()
	h := b.acquire(b.b)
	if err := b.b.Release(t.Context(), h, 9); err != nil {
		t.Fatal(err)
	}
	if segs := b.record().GetSegments(); len(segs) != 1 || segs[0].To != nil {
		t.Errorf("segments: got %v, want a's, still open", segs)
	}
}

func TestServeNeedsTheEndOfAnOpenSegment(t *testing.T) {
	b := newPair(t, nil)
	b.serve(b.a, 0)
	b.expire()
	h := b.acquire(b.b)
	if err := b.b.Serve(t.Context(), h, 0, logOf(b.b), 1); err == nil {
		t.Error("served although nobody sealed the former owner's log")
	}
	if err := b.b.Serve(t.Context(), h, 9, logOf(b.b), 1); err != nil {
		t.Error(err)
	}
}

func TestPutCheckpointNamesWhatIsDropped(t *testing.T) {
	b := newPair(t, nil)
	h := b.serve(b.a, 0)
	for _, step := range []struct {
		cp   *clusterv1.Checkpoint
		want []string
	}{
		{checkpoint(b.a, 1, 6, "base1"), nil},
		{checkpoint(b.a, 1, 7, "base1", "diff"), nil},
		{checkpoint(b.a, 1, 8, "base2"), nil},
		{checkpoint(b.a, 1, 9, "base3"), []string{"base1", "diff"}},
	} {
		got, err := b.a.PutCheckpoint(t.Context(), h, step.cp)
		if err != nil || !slices.Equal(got, step.want) {
			t.Errorf("checkpoint from %d: got %v, %v, want %v", step.cp.GetFrom().GetSeq(), got, err, step.want)
		}
	}
}

func TestLowestFrom(t *testing.T) {
	b := newPair(t, nil)
	lowest := func() string {
		low, named, err := b.a.LowestFrom(t.Context(), logOf(b.a))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(low, named)
	}
	check := func(when, want string) {
		t.Helper()
		if got := lowest(); got != want {
			t.Errorf("%s: got %s, want %s", when, got, want)
		}
	}
	check("nothing served", "0 false")
	h := b.serve(b.a, 0)
	check("served", "5 true")
	put := func(from uint64) {
		t.Helper()
		if _, err := b.a.PutCheckpoint(t.Context(), h, checkpoint(b.a, 1, from)); err != nil {
			t.Fatal(err)
		}
	}
	put(10)
	check("one checkpoint", "5 true")
	put(20)
	check("the previous one begins at 10", "10 true")

	other, err := b.a.Acquire(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	b.faults.Decide(func(*pb.TxnRequest) clustertest.Fate { cancel(); return clustertest.Delay })
	wantErr(t, "serve", b.a.Serve(ctx, other, 0, logOf(b.a), 8), cluster.ErrUnavailable)
	b.faults.Decide(nil)
	check("a segment from 8 may be on its way", "8 true")
	ctx, cancel = context.WithCancel(t.Context())
	b.faults.Decide(func(*pb.TxnRequest) clustertest.Fate { cancel(); return clustertest.LoseRequest })
	wantErr(t, "serve", b.a.Serve(ctx, other, 0, logOf(b.a), 9), cluster.ErrUnavailable)
	b.faults.Decide(nil)
	check("still, though another from 9 was sent", "8 true")
	if n, err := b.faults.Flush(t.Context()); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	check("it has landed unseen", "8 true")
	if other, err = b.a.Acquire(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	check("it is in the record", "8 true")
	if err := b.a.Serve(t.Context(), other, 0, logOf(b.a), 30); err != nil {
		t.Fatal(err)
	}
	check("closed as empty and still named", "8 true")
}

// BenchmarkStart is what a node's start costs in etcd: it opens a view, joins,
// is planned for, and claims all 64 shards at once. etcd calls fsync.
func BenchmarkStart(b *testing.B) {
	e := clustertest.StartDurable(b)
	client := e.Client()
	for b.Loop() {
		v, err := cluster.OpenView(b.Context(), client, cluster.Config{Prefix: "/" + rand.Text()})
		if err != nil {
			b.Fatal(err)
		}
		m := clustertest.Join(b, v, "a")
		ctx, cancel := context.WithCancel(b.Context())
		var planner, claims errgroup.Group
		planner.Go(func() error { return cluster.RunPlanner(ctx, m) })
		until(b, "a plan", m.AssignedChanged, func() bool { return len(m.Assigned()) == v.Shards() })
		for _, s := range m.Assigned() {
			claims.Go(func() error {
				h, err := m.Acquire(b.Context(), s)
				if err != nil {
					return err
				}
				return m.Serve(b.Context(), h, 0, logOf(m), 1)
			})
		}
		if err := claims.Wait(); err != nil {
			b.Fatal(err)
		}
		cancel()
		_ = planner.Wait()
		m.Close()
		v.Close()
	}
}
