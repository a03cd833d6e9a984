package gateway

import (
	"slices"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

const (
	// stayEvery is how often a zone is told that a player is still connected. It
	// lets go of those that it has not heard of for 30 s.
	stayEvery = 10 * time.Second
	// lostAfter is how long a viewer's entity may be nowhere to be seen before the
	// zone is asked where it is. Between two cells it is nowhere for a moment.
	lostAfter = 500 * time.Millisecond
	// lostAgain is how soon the zone is asked again.
	lostAgain = time.Second
)

// viewer is one session that looks at one zone. What is below scene belongs to
// the scene's goroutine.
type viewer struct {
	s         *session
	zone      string
	spectates bool   // guarded by stays.mu
	scene     *scene // guarded by hall.mu; nil before and after

	entity  uint32 // 0: a spectator
	at      *clientv1.Point
	home    uint32 // the cell that it looks around from
	streams []stream
	seen    uint32 // see queue.show
	lags    bool
	lagged  time.Time // since when
	lost    time.Time // since when the entity is nowhere; zero: it is not
	stayed  time.Time // when the zone was told last
	present bool      // it is among the scene's viewers
}

// stream is a feed as one viewer has it.
type stream struct {
	f *feed
	// gen is that of the keyframe which the client has; 0: none.
	gen uint32
}

// admit begins to show the zone to a viewer, or begins anew.
func (sc *scene) admit(now time.Time, v *viewer, entity uint32, at *clientv1.Point) {
	if !v.present {
		v.present = true
		v.s.wire.keepShort()
		v.seen, _ = v.s.queue.caughtUp()
		sc.viewers = append(sc.viewers, v)
		sc.hall.metrics.viewers.Inc()
	}
	v.entity, v.stayed, v.lost = entity, now, time.Time{}
	sc.lookAt(now, v, at)
	for i := range v.streams {
		v.streams[i].gen = 0
	}
}

// dismiss shows nothing to a viewer any more.
func (sc *scene) dismiss(now time.Time, v *viewer) {
	if !v.present {
		return
	}
	v.present = false
	for _, st := range v.streams {
		st.f.release(now)
	}
	v.streams = nil
	if v.lags {
		v.lags = false
		sc.lagging--
		sc.hall.metrics.lagging.Dec()
	}
	sc.viewers = slices.DeleteFunc(sc.viewers, func(o *viewer) bool { return o == v })
	if len(sc.viewers) == 0 {
		sc.empty = now
	}
	sc.hall.metrics.viewers.Dec()
	sc.hall.left(v)
}

// putOut dismisses a viewer whose player is not in the zone any more.
func (sc *scene) putOut(now time.Time, v *viewer) {
	v.s.stays.putOut(v, func() { sc.dismiss(now, v) })
}

// lookAt has v see what is around a place; nil is the middle of the zone.
func (sc *scene) lookAt(now time.Time, v *viewer, at *clientv1.Point) {
	v.at = at
	x, y := at.GetX(), at.GetY()
	if at == nil {
		x, y = float64(sc.spec.GetWidth())/2, float64(sc.spec.GetHeight())/2
	}
	sc.lookFrom(now, v, sc.grid.at(x, y))
}

// lookFrom has v see a cell and those around it.
func (sc *scene) lookFrom(now time.Time, v *viewer, cell uint32) {
	v.home = cell
	sc.cells = sc.grid.around(sc.cells[:0], cell)
	sc.aim(now, v, sc.cells)
}

// aim replaces the cells that v sees.
func (sc *scene) aim(now time.Time, v *viewer, cells []uint32) {
	next := make([]stream, 0, len(cells))
	for _, cell := range cells {
		i := slices.IndexFunc(v.streams, func(st stream) bool { return st.f.cell == cell })
		if i >= 0 {
			next = append(next, v.streams[i])
			continue
		}
		f := sc.feeds[cell]
		if f == nil {
			f = sc.newFeed(cell)
			sc.feeds[cell] = f
			f.ask(now)
		}
		f.users++
		next = append(next, stream{f: f})
	}
	var gone []uint32
	for _, st := range v.streams {
		if !slices.Contains(cells, st.f.cell) {
			gone = append(gone, st.f.stream)
			st.f.release(now)
		}
	}
	v.streams = next
	if len(gone) == 0 {
		return
	}
	v.s.push(&clientv1.ServerFrame{Body: &clientv1.ServerFrame_WorldGone{WorldGone: &clientv1.WorldGone{Streams: gone}}})
}

// resync has a stream begin anew, if v has it.
func (v *viewer) resync(stream uint32) {
	for i := range v.streams {
		if st := &v.streams[i]; st.f.stream == stream {
			st.gen = 0
		}
	}
}

// release takes a viewer away.
func (f *feed) release(now time.Time) {
	if f.users--; f.users == 0 {
		f.unused = now
	}
}

// follow looks where v's entity is now.
func (sc *scene) follow(now time.Time, v *viewer) {
	if v.entity == 0 || sc.grid.cell == 0 {
		return
	}
	known := true // all that v sees
	for pass := range 2 {
		for _, st := range v.streams {
			if home := st.f.cell == v.home; home != (pass == 0) {
				continue
			}
			known = known && st.f.live
			if _, found := st.f.dec.Table().Find(v.entity); found {
				v.lost = time.Time{}
				if pass > 0 {
					sc.lookFrom(now, v, st.f.cell)
				}
				return
			}
		}
	}
	switch {
	case !known:
	case v.lost.IsZero():
		v.lost = now
	case now.Sub(v.lost) >= lostAfter && now.Sub(v.stayed) >= lostAgain:
		sc.stay(now, v)
	}
}

// stayAnswer waits for the zone to say where the entity is.
type stayAnswer struct {
	v      *viewer
	sc     *scene
	entity uint32
}

// stay tells the zone that the player is still connected.
func (sc *scene) stay(now time.Time, v *viewer) {
	v.stayed = now
	sc.hall.router.Do(&cluster.Command{
		To:     cluster.ActorID{Kind: kindZone, ID: v.zone},
		Caller: cluster.Caller{Player: v.s.player},
		Method: "Stay",
		Body:   &clusterv1.ZoneStay{},
	}, &stayAnswer{v: v, sc: sc, entity: v.entity})
}

func (a *stayAnswer) Answered(ans *cluster.Answer) {
	a.sc.post(func(now time.Time) {
		v := a.v
		if !v.present || v.entity != a.entity {
			return // it was of an earlier stay
		}
		switch ans.Code {
		case clientv1.Code_CODE_UNSPECIFIED:
			m, err := decodeAnswer[clusterv1.ZoneStayed](ans)
			if err != nil {
				v.s.log().Error("decode answer of Stay", "zone", v.zone, "error", err)
			} else if at := m.GetAt(); at != nil && !v.lost.IsZero() {
				a.sc.lookAt(now, v, at)
			}
		case clientv1.Code_CODE_NOT_FOUND:
			a.sc.putOut(now, v)
		}
	})
}
