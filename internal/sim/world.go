package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/etcdmodel"
)

// World is one simulated cluster, its servers and its clients.
type World struct {
	rnd     *rand.Rand
	weather weather
	bug     *bug

	now     time.Duration
	queue   queue
	order   uint64
	steps   int
	current *fiber
	trace   func(line string) // nil: nobody reads it
	broken  error             // the first invariant that did not hold
	calm    bool              // no more faults

	net     network
	etcd    *etcdmodel.Model
	leases  int64
	logs    map[cluster.LogName]*stream
	byAge   []*stream
	objects map[string]*object
	named   int // objects, ever
	nodes   []*process
	watches []*watch
	shop    *shop
	history *history
	counts  Counts
}

func newWorld(seed uint64, b *bug, trace func(string)) *World {
	w := &World{
		rnd:     rand.New(rand.NewPCG(seed, 0x5eed)),
		bug:     b,
		trace:   trace,
		etcd:    etcdmodel.New(),
		logs:    make(map[cluster.LogName]*stream),
		objects: make(map[string]*object),
	}
	w.weather = newWeather(w.rnd, b)
	for i := range w.weather.nodes {
		w.nodes = append(w.nodes, &process{
			w: w, at: endpoint(i), name: cluster.NodeName('a' + rune(i)),
			rate:  1 + w.weather.drift*(2*w.rnd.Float64()-1),
			ahead: time.Duration(w.rnd.Int64N(int64(time.Second))),
		})
	}
	w.net = newNetwork(w.endpoints())
	w.history = newHistory(w)
	w.etcd.Changed = w.changed
	w.shop = newShop(w)
	for _, p := range w.nodes {
		w.after(w.upTo(time.Second), p.boot)
	}
	w.after(0, w.expireLeases)
	w.after(0, w.plan)
	w.after(w.upTo(time.Second), w.disturb)
	return w
}

// after plans an event outside of all processes.
func (w *World) after(d time.Duration, fn func()) {
	w.order++
	w.queue.push(event{at: w.now + d, order: w.order, fn: fn})
}

// step lets the next thing happen; false when nothing is left.
func (w *World) step() bool {
	for len(w.queue) > 0 {
		e := w.queue.pop()
		if e.timer != nil && e.timer.stopped || e.of != nil && e.of.over {
			continue
		}
		if e.on != nil && e.on.still > e.at {
			e.at = e.on.still
			w.queue.push(e)
			continue
		}
		w.now = max(w.now, e.at)
		w.steps++
		e.fn()
		return true
	}
	return false
}

// run lets things happen for d, or until something is broken or enough.
func (w *World) run(d time.Duration, most int, enough func() bool) {
	end := w.now + d
	for w.broken == nil && w.steps < most && w.now < end {
		if enough != nil && enough() || !w.step() {
			return
		}
	}
}

// violated notes that something happened that never may.
func (w *World) violated(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	w.note("VIOLATED", "%v", err)
	if w.broken == nil {
		w.broken = err
	}
}

// note adds a line to the trace.
func (w *World) note(who any, format string, args ...any) {
	if w.trace != nil {
		w.trace(fmt.Sprintf("%6d %12.6fs  %-10v %s", w.steps, w.now.Seconds(), who, fmt.Sprintf(format, args...)))
	}
}

func (w *World) chance(p float64) bool { return p > 0 && w.rnd.Float64() < p }

// upTo is any time from 0 to d.
func (w *World) upTo(d time.Duration) time.Duration {
	return time.Duration(w.rnd.Int64N(int64(max(d, 0)) + 1))
}

// between is any time from a to b.
func (w *World) between(a, b time.Duration) time.Duration { return a + w.upTo(b-a) }

// pick returns any element.
func pick[T any](w *World, from []T) T { return from[w.rnd.IntN(len(from))] }
