package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

func TestMovesNewestFirst(t *testing.T) {
	w := newWorld(t)
	for i := range uint64(30) {
		r := &clusterv1.MoveReceipt{Move: i, Shard: uint32(i % 3), FromIncarnation: "a-1", Outcome: clusterv1.MoveOutcome_MOVE_OUTCOME_MOVED}
		for range 2 { // The first answer may have been lost.
			if err := w.trail.PutMove(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct{ limit, want int }{{1, 1}, {7, 7}, {30, 30}, {0, 30}, {200, 30}} {
		got, err := w.trail.Moves(t.Context(), c.limit)
		if err != nil {
			t.Fatal(err)
		}
		var ids, want []uint64
		for i, r := range got {
			ids, want = append(ids, r.GetMove()), append(want, uint64(29-i))
		}
		if len(ids) != c.want || !slices.Equal(ids, want) {
			t.Errorf("limit %d: got %v, want %d from 29 down", c.limit, ids, c.want)
		}
	}
}

func TestOwnersAtATime(t *testing.T) {
	w := newWorld(t)
	start := time.Now()
	put := func(after time.Duration, shard uint32, node string) {
		t.Helper()
		r := &recorder{trail: w.trail}
		if _, err := r.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.trail.now = func() time.Time { return start.Add(after) }
		rec := &clusterv1.OwnerRecord{Shard: shard}
		if node != "" {
			rec.Owner = &clusterv1.Owner{Node: node}
		}
		if err := r.put(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
	}
	put(10*time.Second, 1, "a")
	put(15*time.Second, 2, "z")
	put(20*time.Second, 1, "")
	put(30*time.Second, 1, "b")
	for _, c := range []struct {
		at   time.Duration
		want string
	}{{10, "a"}, {19, "a"}, {20, ""}, {29, ""}, {30, "b"}, {1000, "b"}} {
		rec, err := w.trail.At(t.Context(), 1, start.Add(c.at*time.Second))
		if err != nil || rec.GetOwner().GetNode() != c.want {
			t.Errorf("after %d s: got %v, %v, want %q", c.at, rec, err, c.want)
		}
	}
	if rec, err := w.trail.At(t.Context(), 1, start); !errors.Is(err, ErrNoRecord) {
		t.Errorf("before anything: got %v, %v, want %v", rec, err, ErrNoRecord)
	}
	recs, err := w.trail.Owners(t.Context(), 1, 2)
	if err != nil || len(recs) != 2 || recs[0].GetOwner().GetNode() != "b" || recs[1].GetOwner() != nil {
		t.Errorf("the last two: got %v, %v, want b and nobody", recs, err)
	}
	if recs, err := w.trail.Owners(t.Context(), 5, 0); err != nil || len(recs) != 0 {
		t.Errorf("of another shard: got %v, %v, want none", recs, err)
	}
}

// TestRecordFollowsTheCoordinator has both members record, and the planner's
// office go from one to the other.
func TestRecordFollowsTheCoordinator(t *testing.T) {
	w := newWorld(t)
	for _, m := range []*cluster.Member{w.a, w.b} {
		trail := w.open()
		w.record(func(ctx context.Context) error { return trail.Record(ctx, w.view, m) })
	}
	for i, m := range []*cluster.Member{w.a, w.b, nil, w.a} {
		w.appoint(m)
		release := w.acquire(w.b, 3)
		if i == 0 {
			w.await(w.view.Shards()) // The survey.
			release()
			continue
		}
		release()
		if m == nil {
			continue
		}
		all := w.await(1)
		for !w.isAfter(all, i) {
			all = w.await(len(all) + 1)
		}
		if last := all[len(all)-1]; last.GetRecorder() != string(m.Incarnation()) {
			t.Errorf("turn %d: recorded by %s, want %s", i, last.GetRecorder(), m.Incarnation())
		}
	}
	owned, seen := 0, make(map[string]bool)
	for _, r := range w.all() {
		key := fmt.Sprint(r.GetRevision(), r.GetShard(), r.GetEvent())
		if r.GetRevision() != 0 && seen[key] {
			t.Errorf("%s is recorded twice", line(r))
		}
		seen[key] = true
		if r.GetOwner() != nil {
			owned++
		}
	}
	if owned != 4 {
		t.Errorf("%d ownerships are recorded, want 4:\n%s", owned, lines(w.all()))
	}
}

// isAfter says whether the last record is that nobody owns shard 3 any more, for
// the (i+1)-th time.
func (w *world) isAfter(all []*clusterv1.OwnerRecord, i int) bool {
	last := all[len(all)-1]
	return last.GetShard() == 3 && last.GetOwner() == nil && last.GetEpoch() == uint64(i+1)
}

func TestRecordEndsWithItsMember(t *testing.T) {
	w := newWorld(t)
	var g errgroup.Group
	g.Go(func() error { return w.trail.Record(t.Context(), w.view, w.a) })
	w.appoint(w.a)
	w.await(6)
	if err := w.a.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.appoint(w.b)
	if err := g.Wait(); !errors.Is(err, cluster.ErrLeft) {
		t.Errorf("got %v, want %v", err, cluster.ErrLeft)
	}
}

func TestPlansAreRecorded(t *testing.T) {
	w := newWorld(t)
	put := func(id string, finished bool) {
		t.Helper()
		value := fmt.Sprintf(`{"id":%q}`, id)
		if finished {
			value = fmt.Sprintf(`{"id":%q,"finished":"2020-01-01T00:00:00Z"}`, id)
		}
		if _, err := w.etcd.Put(t.Context(), w.prefix+"/rebalance", value); err != nil {
			t.Fatal(err)
		}
		for {
			changed := w.view.NodesChanged()
			if r := w.view.RebalanceRecord(); r.GetId() == id && (r.GetFinished() != nil) == finished {
				break
			}
			<-changed
		}
		for range 2 { // The second time by another recorder, say.
			if err := w.trail.recordPlan(t.Context(), w.view, w.a.Incarnation()); err != nil {
				t.Fatal(err)
			}
		}
	}
	put("x", false)
	put("x", true)
	put("y", false)
	got, err := w.trail.Plans(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, p := range got {
		ids = append(ids, fmt.Sprintf("%s %v", p.GetRebalance().GetId(), p.GetRebalance().GetFinished() != nil))
	}
	if want := []string{"y false", "x true", "x false"}; fmt.Sprint(ids) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", ids, want)
	}
}
