package gateway

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// hall holds the scenes that somebody looks at: however many look at a zone,
// there is one.
type hall struct {
	router   Router
	bus      Subscriber
	world    World
	recorder Recorder
	log      *slog.Logger
	metrics  *Metrics

	lastStream atomic.Uint32
	done       chan struct{} // closed by close

	mu      sync.Mutex
	scenes  map[string]*scene
	closed  bool
	running sync.WaitGroup // scenes; Add only while not closed, under mu
}

func newHall(d Deps) *hall {
	return &hall{
		router: d.Router, bus: d.Bus, world: d.World, recorder: d.Recorder, log: d.Logger, metrics: d.Metrics,
		done: make(chan struct{}), scenes: make(map[string]*scene),
	}
}

// enter shows the zone to a viewer, who looks at a place in it. spec is what the
// zone has just said it is.
func (h *hall) enter(v *viewer, spec *clientv1.Zone, entity uint32, at *clientv1.Point) {
	h.mu.Lock()
	sc := h.scenes[spec.GetName()]
	if sc == nil {
		if h.closed {
			h.mu.Unlock()
			return
		}
		sc = newScene(h, spec)
		h.scenes[sc.name] = sc
		h.metrics.zones.Inc()
		h.running.Go(sc.run)
	}
	if v.scene == nil {
		v.scene = sc
		sc.expected++
	}
	h.mu.Unlock()
	sc.post(func(now time.Time) {
		sc.adopt(now, spec)
		sc.admit(now, v, entity, at)
	})
}

// post has fn called by the goroutine of the scene that v sees, if it sees one.
func (h *hall) post(v *viewer, fn func(sc *scene, now time.Time)) {
	h.mu.Lock()
	sc := v.scene
	h.mu.Unlock()
	if sc == nil {
		return
	}
	sc.post(func(now time.Time) {
		if v.present {
			fn(sc, now)
		}
	})
}

// leave takes a viewer away, and calls then when nothing of the zone will be
// written to it any more.
func (h *hall) leave(v *viewer, then func()) {
	h.mu.Lock()
	sc := v.scene
	h.mu.Unlock()
	if sc == nil {
		then()
		return
	}
	sc.post(func(now time.Time) {
		sc.dismiss(now, v)
		then()
	})
}

// left is called by a scene when it has dismissed a viewer.
func (h *hall) left(v *viewer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	v.scene.expected--
	v.scene = nil
}

// retire removes a scene that nobody looks at, unless somebody is on the way.
func (h *hall) retire(sc *scene) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if sc.expected > 0 {
		return false
	}
	delete(h.scenes, sc.name)
	h.metrics.zones.Dec()
	return true
}

// close ends the scenes and waits. It may be called twice.
func (h *hall) close() {
	h.mu.Lock()
	if !h.closed {
		h.closed = true
		close(h.done)
	}
	h.mu.Unlock()
	h.running.Wait()
}
