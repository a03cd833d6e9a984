package gateway

import (
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

const (
	// gather is how long a scene of several cells waits after the first frame for
	// those of the other cells, so that a viewer is written to once per tick.
	gather = time.Millisecond
	// upkeep is how often a scene looks after what does not come with frames.
	upkeep = time.Second
	// catchUp is how often it looks after viewers that lag, while there are any.
	catchUp = 100 * time.Millisecond
	// maxHeardBytes bounds what has been heard and not decoded. It takes a stall of
	// a second to fill it; then frames are dropped, which the decoders notice.
	maxHeardBytes = 4 << 20
)

// scene is one zone as this gateway's viewers see it. One goroutine owns it:
// frames, answers and viewers are posted to it, and it takes all that has
// gathered as one round.
type scene struct {
	hall *hall
	name string

	// Guarded by hall.mu.
	expected int // viewers, those on the way included

	mu    sync.Mutex
	posts []func(now time.Time) // each is of a request, an answer or an event
	inbox []heardFrame
	bytes []byte // of the frames in inbox
	wake  chan struct{}

	// Of the goroutine.
	spec    *clientv1.Zone
	listed  bool // the zone was among those that the world knows of
	grid    grid
	owner   string
	feeds   map[uint32]*feed
	viewers []*viewer
	lagging int
	empty   time.Time // since when there is no viewer
	kept    time.Time // the last upkeep
	out     []byte
	cells   []uint32
	spare   []heardFrame // the other inbox
	buffer  []byte       // and the other bytes
	queued  []func(now time.Time)
}

// heardFrame is a broadcast as it lies in bytes.
type heardFrame struct {
	f        *feed
	from, to int
}

func newScene(h *hall, spec *clientv1.Zone) *scene {
	return &scene{
		hall:  h,
		name:  spec.GetName(),
		wake:  make(chan struct{}, 1),
		feeds: make(map[uint32]*feed),
	}
}

// post has fn called by the scene's goroutine, soon. It never blocks.
func (sc *scene) post(fn func(now time.Time)) {
	sc.mu.Lock()
	sc.posts = append(sc.posts, fn)
	sc.mu.Unlock()
	sc.rouse()
}

// heard takes a broadcast from the bus.
func (sc *scene) heard(f *feed, frame []byte) {
	sc.mu.Lock()
	if len(sc.bytes)+len(frame) > maxHeardBytes {
		sc.mu.Unlock()
		return
	}
	from := len(sc.bytes)
	sc.bytes = append(sc.bytes, frame...)
	sc.inbox = append(sc.inbox, heardFrame{f, from, len(sc.bytes)})
	sc.mu.Unlock()
	sc.rouse()
}

func (sc *scene) rouse() {
	select {
	case sc.wake <- struct{}{}:
	default: // it has not taken the last one yet, and will take all
	}
}

// run is the scene's goroutine.
func (sc *scene) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-sc.wake:
			if sc.gathers() {
				timer.Reset(gather)
				select {
				case <-timer.C:
				case <-sc.hall.done:
				}
			}
		case <-timer.C:
		case <-sc.hall.done:
			sc.end()
			return
		}
		now := time.Now()
		sc.round(now)
		if now.Sub(sc.kept) >= upkeep {
			sc.kept = now
			if sc.upkeep(now); sc.idle(now) && sc.hall.retire(sc) {
				sc.end()
				return
			}
		}
		next := upkeep - now.Sub(sc.kept)
		if sc.lagging > 0 {
			next = min(next, catchUp)
		}
		timer.Reset(next)
	}
}

// gathers tells whether frames of other cells are likely to follow at once.
func (sc *scene) gathers() bool { return len(sc.feeds) > 1 }

// round takes all that was posted and heard, and shows what has changed.
func (sc *scene) round(now time.Time) {
	sc.mu.Lock()
	sc.queued, sc.posts = sc.posts, sc.queued[:0]
	sc.spare, sc.inbox = sc.inbox, sc.spare[:0]
	sc.buffer, sc.bytes = sc.bytes, sc.buffer[:0]
	sc.mu.Unlock()

	for i, fn := range sc.queued {
		fn(now)
		sc.queued[i] = nil
	}
	for _, h := range sc.spare {
		if sc.feeds[h.f.cell] == h.f {
			h.f.hear(now, sc.buffer[h.from:h.to])
		}
	}
	clear(sc.spare)
	for _, v := range sc.viewers {
		sc.follow(now, v)
	}
	sc.fanOut(now)
	for _, f := range sc.feeds {
		f.endRound()
	}
}

// upkeep looks after what does not come with frames.
func (sc *scene) upkeep(now time.Time) {
	sc.look(now)
	for cell, f := range sc.feeds {
		switch {
		case f.users == 0 && now.Sub(f.unused) >= linger:
			delete(sc.feeds, cell)
			f.end()
		case f.unsubscribe == nil:
			f.subscribe()
			f.ask(now)
		case !f.live || now.Sub(f.heard) >= silence:
			f.ask(now)
		}
	}
	for _, v := range sc.viewers {
		if v.entity != 0 && now.Sub(v.stayed) >= stayEvery {
			sc.stay(now, v)
		}
	}
}

// look takes what the world says of the zone: it may have been changed or
// closed, or have another owner.
func (sc *scene) look(now time.Time) {
	zones := sc.hall.world.Zones()
	if i, found := findZone(zones, sc.name); found {
		sc.listed = true
		sc.adopt(now, zones[i])
	} else if sc.listed {
		sc.listed = false
		for len(sc.viewers) > 0 {
			sc.putOut(now, sc.viewers[len(sc.viewers)-1])
		}
	}
	owner := sc.hall.world.Owner(kindZone, sc.name)
	if owner == "" || owner == sc.owner {
		return
	}
	before := sc.owner
	sc.owner = owner
	if before != "" {
		sc.tell(&clientv1.ServerFrame{Body: &clientv1.ServerFrame_ZoneOwner{
			ZoneOwner: &clientv1.ZoneOwner{Zone: sc.name, Node: owner},
		}})
	}
}

// tell tells all viewers of something.
func (sc *scene) tell(f *clientv1.ServerFrame) {
	e, err := newEvent(f)
	if err != nil {
		sc.hall.log.Error("encode event", "zone", sc.name, "error", err)
		return
	}
	for _, v := range sc.viewers {
		v.s.tell(e)
	}
}

// adopt takes over what the zone is. When its cells are others, everybody begins
// anew.
func (sc *scene) adopt(now time.Time, spec *clientv1.Zone) {
	if proto.Equal(sc.spec, spec) {
		return
	}
	first := sc.spec == nil
	sc.spec = spec
	g := gridOf(spec)
	if g == sc.grid {
		return
	}
	sc.grid = g
	if first {
		sc.owner = sc.hall.world.Owner(kindZone, sc.name)
		return
	}
	for _, v := range sc.viewers {
		sc.aim(now, v, nil)
	}
	for cell, f := range sc.feeds {
		delete(sc.feeds, cell)
		f.end()
	}
	for _, v := range sc.viewers {
		sc.lookAt(now, v, v.at)
	}
}

// idle tells that nobody has looked for a while, and nothing is left to keep.
func (sc *scene) idle(now time.Time) bool {
	return len(sc.viewers) == 0 && len(sc.feeds) == 0 && now.Sub(sc.empty) >= linger
}

func (sc *scene) end() {
	for _, f := range sc.feeds {
		f.end()
	}
	clear(sc.feeds)
}
