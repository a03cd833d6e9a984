package router

import (
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/goleak"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func count(t testing.TB, c prometheus.Metric) float64 {
	t.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}

func TestConfig(t *testing.T) {
	for _, tc := range []struct {
		cfg  Config
		want string
	}{
		{Config{}, ""},
		{Config{Deadline: -1}, "Deadline"},
		{Config{Resend: -1}, "Resend"},
		{Config{Resend: time.Millisecond}, "Resend"},
		{Config{MaxPending: -1}, "MaxPending"},
	} {
		err := tc.cfg.withDefaults().Validate()
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%+v: got %v, want an error about %q", tc.cfg, err, tc.want)
		}
	}
}

// once fails when it is answered twice.
type once struct {
	n    atomic.Int32
	code clientv1.Code
	done *sync.WaitGroup
}

func (o *once) Answered(a *cluster.Answer) {
	if o.n.Add(1) == 1 {
		o.code = a.Code
		o.done.Done()
	}
}

// flaky is a mesh that loses, doubles, delays and refuses, over routes that move.
type flaky struct {
	mu      sync.Mutex
	rng     *rand.Rand
	owner   cluster.Route
	changed chan struct{}
	router  *Router
	late    sync.WaitGroup
}

func (f *flaky) Shards() int { return 8 }

func (f *flaky) Owner(cluster.ShardID) cluster.Route {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.owner
}

func (f *flaky) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

func (f *flaky) move() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.owner = route("n", f.owner.Epoch+1)
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *flaky) SendCommand(_ cluster.Address, c *cluster.Command) {
	f.mu.Lock()
	dice, copies, owner := f.rng.IntN(10), 1+f.rng.IntN(2), f.owner
	f.mu.Unlock()
	a := &cluster.Answer{Call: c.Call}
	switch dice {
	case 0: // lost
		return
	case 1, 2:
		owner.Epoch += cluster.Epoch(dice - 1)
		a.NotOwner, a.Owner = true, owner
	case 3: // at once
		f.router.Answered(a)
		return
	}
	for range copies {
		f.late.Go(func() { f.router.Answered(a) })
	}
}

// Whatever happens, each call is answered exactly once.
func TestExactlyOnce(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	f := &flaky{rng: rand.New(rand.NewPCG(seed, 0)), changed: make(chan struct{}), owner: route("n", 1)}
	f.router = New(Config{Deadline: 400 * time.Millisecond, Resend: 60 * time.Millisecond}, f, f)

	var done, callers sync.WaitGroup
	const each, parallel = 2_000, 8
	calls := make([][]once, parallel)
	for p := range parallel {
		calls[p] = make([]once, each)
		callers.Go(func() {
			for i := range calls[p] {
				calls[p][i].done = &done
				done.Add(1)
				f.router.Do(buy(), &calls[p][i])
				if i%100 == 0 {
					f.move()
				}
			}
		})
	}
	callers.Wait()
	done.Wait()
	f.router.Close()
	f.late.Wait()
	answered := 0
	for p := range calls {
		for i := range calls[p] {
			if n := calls[p][i].n.Load(); n != 1 {
				t.Fatalf("seed %d: call %d/%d was answered %d times", seed, p, i, n)
			}
			if calls[p][i].code == success {
				answered++
			}
		}
	}
	if want := each * parallel * 95 / 100; answered < want {
		t.Errorf("%d of %d calls succeeded, want at least %d", answered, each*parallel, want)
	}
	if n := f.router.Pending(); n != 0 {
		t.Errorf("%d calls still wait", n)
	}
}

// direct answers at once, as a node does whose log is durable already.
type direct struct {
	router *Router
	owner  cluster.Route
	answer cluster.Answer
}

func (d *direct) Shards() int                         { return 64 }
func (d *direct) Owner(cluster.ShardID) cluster.Route { return d.owner }
func (d *direct) Changed() <-chan struct{}            { return nil }

func (d *direct) SendCommand(_ cluster.Address, c *cluster.Command) {
	a := d.answer
	a.Call = c.Call
	d.router.Answered(&a)
}

type nobody struct{}

func (nobody) Answered(*cluster.Answer) {}

// BenchmarkDo is Do and its answer within the process. The one allocation is the
// answer's, made by the double.
func BenchmarkDo(b *testing.B) {
	d := &direct{owner: route("a", 1)}
	d.router = New(Config{}, d, d)
	defer d.router.Close()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		cmd := buy()
		for pb.Next() {
			d.router.Do(cmd, nobody{})
		}
	})
}

// BenchmarkDoFull is the same while 60,000 other calls wait.
func BenchmarkDoFull(b *testing.B) {
	d := &direct{owner: route("a", 1)}
	d.router = New(Config{Deadline: time.Hour, Resend: time.Hour}, d, d)
	for range 60_000 {
		c := call{cmd: buy(), waiter: nobody{}, deadline: time.Hour, next: time.Hour, asked: 1, silent: true}
		id := d.router.lastCall.Add(1)
		d.router.table(id).add(id, c)
		d.router.pending.Add(1)
	}
	defer d.router.Close()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		cmd := buy()
		for pb.Next() {
			d.router.Do(cmd, nobody{})
		}
	})
}
