package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// errCrash stands for the death of a recorder.
var errCrash = errors.New("crash")

func lines(recs []*clusterv1.OwnerRecord) string {
	var out []string
	for _, r := range recs {
		out = append(out, line(r))
	}
	return strings.Join(out, "\n")
}

func TestTrailBeginsWithHowThingsStand(t *testing.T) {
	w := newWorld(t)
	release := w.acquire(w.a, 2)
	w.record(w.recorder(w.b).run)
	w.await(6)
	release()
	w.acquire(w.b, 2)
	want := strings.Join([]string{
		"0 FOUND nobody->nobody at 0", "1 FOUND nobody->nobody at 0", "2 FOUND nobody->a at 1",
		"3 FOUND nobody->nobody at 0", "4 FOUND nobody->nobody at 0", "5 FOUND nobody->nobody at 0",
		"2 NOBODY a->nobody at 1", "2 OWNED nobody->b at 2",
	}, "\n")
	if got := lines(w.await(8)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// history is every change of an owner that etcd remembers, behind revision from.
func (w *world) history(from int64) (out []cluster.OwnerChange) {
	w.Helper()
	_, now, err := w.view.Ownerships(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	// A change that is known to be the last ends the watch.
	w.acquire(w.join("last"), 5)
	err = w.view.FollowOwners(w.Context(), from+1, func(c cluster.OwnerChange) error {
		if c.Revision > now {
			return errCrash
		}
		out = append(out, c)
		return nil
	})
	if !errors.Is(err, errCrash) {
		w.Fatal(err)
	}
	return out
}

// TestRecordersThatOverlapAndCrash has several recorders at work at once, which
// die and come back at random, even between a publish and its answer, while
// receipts come in between. The trail must hold etcd's history: nothing twice,
// nothing left out, in order.
func TestRecordersThatOverlapAndCrash(t *testing.T) {
	w := newWorld(t)
	const seed = 1
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var g sync.WaitGroup
	for i := range 3 {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		g.Go(func() {
			for ctx.Err() == nil {
				life, crash := context.WithCancelCause(ctx)
				rec := w.recorder(w.a)
				left := 1 + r.IntN(12)
				rec.trail.now = func() time.Time {
					if left--; left == 0 {
						// Right before a publish, or while it is on its way.
						if r.IntN(2) == 0 {
							crash(errCrash)
						} else {
							go crash(errCrash)
						}
					}
					return time.Now()
				}
				if err := rec.run(life); life.Err() == nil {
					t.Errorf("recorder %d: %v", i, err)
				}
				crash(nil)
			}
		})
	}
	r := rand.New(rand.NewPCG(seed, 9))
	for all := w.await(1); all[len(all)-1].GetComplete() == 0; {
		all = w.await(len(all) + 1)
	}
	changes := 0
	for turn := range 20 {
		var releases []func()
		for s := range cluster.ShardID(5) {
			if r.IntN(2) == 0 {
				m := []*cluster.Member{w.a, w.b}[r.IntN(2)]
				releases = append(releases, w.acquire(m, s))
			}
		}
		if err := w.trail.PutMove(t.Context(), &clusterv1.MoveReceipt{Move: uint64(turn), Shard: 1}); err != nil {
			t.Fatal(err)
		}
		changes += 2 * len(releases)
		for _, release := range releases {
			release()
		}
	}
	w.acquire(w.a, 0)
	all := w.await(6)
	for !w.isLast(all[len(all)-1]) {
		all = w.await(len(all) + 1)
	}
	stop()
	g.Wait()

	all = w.all()
	begin := slices.IndexFunc(all, func(r *clusterv1.OwnerRecord) bool { return r.GetComplete() != 0 })
	if begin < 0 {
		t.Fatalf("no survey was completed:\n%s", lines(all))
	}
	from := all[begin].GetComplete()
	history, rest := w.history(from), all[begin+1:]
	if len(history) == 0 || len(history) != len(rest) {
		t.Errorf("etcd knows %d changes since the survey, the trail %d", len(history), len(rest))
	}
	for i := range min(len(history), len(rest)) {
		want := fmt.Sprintf("%d %d %s %s", history[i].Revision, history[i].Shard, history[i].Owner.GetIncarnation(), history[i].Was.GetIncarnation())
		got := fmt.Sprintf("%d %d %s %s", rest[i].GetRevision(), rest[i].GetShard(), rest[i].GetOwner().GetIncarnation(), rest[i].GetWas().GetIncarnation())
		if got != want {
			t.Fatalf("record %d: got %s, want %s", i, got, want)
		}
	}
	t.Logf("%d changes, %d of them behind the survey", changes+1, len(rest))
}

// isLast says whether a record is of the last change there was, if that made an
// owner.
func (w *world) isLast(r *clusterv1.OwnerRecord) bool {
	w.Helper()
	states, _, err := w.view.Ownerships(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	last := slices.MaxFunc(states, func(x, y cluster.Ownership) int { return cmp.Compare(x.Revision, y.Revision) })
	return r.GetRevision() == last.Revision
}

// TestRecorderDiesWithinARevision: a lease takes all its shards along in one
// revision. A recorder that dies in the middle of it leaves the rest to the
// next.
func TestRecorderDiesWithinARevision(t *testing.T) {
	w := newWorld(t)
	for s := range cluster.ShardID(4) {
		w.acquire(w.a, s)
	}
	stop := w.record(w.recorder(w.b).run)
	w.await(6)
	stop()
	if err := w.a.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		rec := w.recorder(w.b)
		ctx, cancel := context.WithCancel(t.Context())
		puts := 0
		rec.trail.now = func() time.Time {
			if puts++; puts == 2 {
				cancel()
			}
			return time.Now()
		}
		if err := rec.run(ctx); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		cancel()
	}
	w.record(w.recorder(w.b).run)
	want := "0 NOBODY a->nobody at 1\n1 NOBODY a->nobody at 1\n2 NOBODY a->nobody at 1\n3 NOBODY a->nobody at 1"
	if got := lines(w.await(10)[6:]); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestRecorderDiesOverASurvey: the next one completes it.
func TestRecorderDiesOverASurvey(t *testing.T) {
	w := newWorld(t)
	rec := w.recorder(w.a)
	ctx, cancel := context.WithCancel(t.Context())
	puts := 0
	rec.trail.now = func() time.Time {
		if puts++; puts == 3 {
			cancel()
		}
		return time.Now()
	}
	if err := rec.run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	w.acquire(w.a, 1) // It was surveyed.
	w.acquire(w.a, 4) // It was not.
	w.record(w.recorder(w.b).run)
	want := strings.Join([]string{
		"0 FOUND nobody->nobody at 0", "1 FOUND nobody->nobody at 0",
		"1 GAP nobody->a at 1", "2 FOUND nobody->nobody at 0", "3 FOUND nobody->nobody at 0",
		"4 FOUND nobody->a at 1", "5 FOUND nobody->nobody at 0",
	}, "\n")
	if got := lines(w.await(7)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestWhatEtcdForgotIsAGap: for the shards that changed, and no other.
func TestWhatEtcdForgotIsAGap(t *testing.T) {
	w := newWorld(t)
	w.acquire(w.a, 0)
	releaseOne := w.acquire(w.a, 1)
	releaseTwo := w.acquire(w.a, 2)
	releaseTwo()
	stop := w.record(w.recorder(w.b).run)
	w.await(6)
	stop()

	releaseOne()
	w.acquire(w.b, 1)   // Another owner.
	w.acquire(w.b, 2)() // Nobody, as before, and an owner in between.
	release := w.acquire(w.b, 3)
	resp, err := w.etcd.Get(t.Context(), "any")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.etcd.Compact(t.Context(), resp.Header.Revision, clientv3.WithCompactPhysical()); err != nil {
		t.Fatal(err)
	}
	w.record(w.recorder(w.b).run)
	w.await(9)
	release()
	want := strings.Join([]string{
		"1 GAP a->b at 2", "2 GAP nobody->nobody at 2", "3 GAP nobody->b at 1", "3 NOBODY b->nobody at 1",
	}, "\n")
	if got := lines(w.await(10)[6:]); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
