package zone

import (
	"slices"
	"time"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/chat"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// maxTick is when a world begins anew, before its ticks overflow.
const maxTick = 1 << 31

// world is where everybody in a zone is. All of it is volatile.
type world struct {
	name  string
	epoch uint64
	spec  *clusterv1.ZoneSpec
	grid  grid

	// Of spec, as the simulation needs them.
	width, height, speed float64
	hz                   int64

	start int64 // when tick 0 is, in Unix nanoseconds, a whole millisecond
	tick  uint32
	check int64 // when to look for the silent and the quiet

	random   random
	entities []entity // by id: players, then bots

	cells []*cell // by number; nil for those that nobody is in or looks at
	open  []*cell // those that are not nil, in no order
	// after is when a stream may begin at the earliest, in Unix milliseconds: later
	// than all that was shown of the world before this one.
	after int64

	ticked bool   // since the last Cast
	begun  bool   // a stream, since then
	ending bool   // is shown once more, empty
	buffer []byte // for frames
}

// begin makes the world of a zone that has none. Its people come later, by
// populate, but for those whom it is told of by the node that had it before.
func (z *zone) begin(env *actors.Env) *world {
	w := newWorld(z.ref.ID, env.Epoch, z.spec, env.Now)
	w.random, w.after = seeded(z.ref.ID), z.after
	if z.parked != nil {
		w.resume(z.parked, env.Now)
	}
	w.populate(z.people, env.Now)
	w.ticked = true
	return w
}

func newWorld(name string, epoch uint64, spec *clusterv1.ZoneSpec, now time.Time) *world {
	z := spec.GetZone()
	w := &world{
		name: name, epoch: epoch, spec: spec, grid: newGrid(z),
		width: float64(z.GetWidth()), height: float64(z.GetHeight()), speed: z.GetMaxSpeed(), hz: int64(z.GetHz()),
		check: now.Add(checkEvery).UnixNano(),
	}
	w.cells = make([]*cell, w.grid.cells())
	// Ticks of different zones are at different moments, so that those that begin
	// together do not all tick together ever after.
	period := int64(time.Second) / w.hz
	phase := int64(seeded(name)>>1) % period
	w.start = now.UnixNano() - (now.UnixNano()-phase)%period
	w.start -= w.start % int64(time.Millisecond)
	return w
}

// remade is the world after the zone has become another. Everybody stays where
// they are, if that is still within; all streams begin anew.
func (w *world) remade(spec *clusterv1.ZoneSpec, people chat.People, now time.Time) *world {
	next := newWorld(w.name, w.epoch, spec, now)
	next.random, next.entities, next.after = w.random, w.entities, w.shown()
	for _, c := range w.open {
		if c.number < next.grid.cells() { // whoever looks there goes on looking
			next.cell(c.number).busy = now.UnixNano()
		}
	}
	for i := range next.entities {
		e := &next.entities[i]
		e.x, e.y = min(e.x, next.width), min(e.y, next.height)
		e.stand()
		next.place(e)
	}
	next.populate(people, now)
	return next
}

// shown is a moment after all that was shown of the world, in Unix milliseconds.
func (w *world) shown() int64 {
	return max(w.after, w.time(w.tick)/int64(time.Millisecond)) + 1
}

// end removes everybody, for the last frames.
func (w *world) end() {
	w.entities = w.entities[:0]
	for _, c := range w.open {
		c.population, c.dirty = 0, true
	}
	w.tick++
	w.ending, w.ticked = true, true
}

// time is when a tick is.
func (w *world) time(tick uint32) int64 {
	return w.start + int64(tick)*int64(time.Second)/w.hz
}

// lost says whether the clock has gone back behind the world, or the world's
// ticks have run out of numbers.
func (w *world) lost(now time.Time) bool {
	return now.UnixNano() < w.time(w.tick)-int64(time.Second) || w.tick > maxTick
}

// late says how many ticks there should have been by now, and how many of them
// are skipped.
func (w *world) late(now time.Time) (steps, skipped uint32) {
	elapsed := now.UnixNano() + int64(early) - w.start
	if elapsed < 0 {
		return 0, 0
	}
	due := uint32(elapsed/int64(time.Second)*w.hz + elapsed%int64(time.Second)*w.hz/int64(time.Second))
	if due <= w.tick {
		return 0, 0
	}
	n := due - w.tick
	if len(w.entities) == 0 {
		return 0, n
	}
	steps = min(n, maxSteps)
	return steps, n - steps
}

// advance moves the world on.
func (w *world) advance(steps, skipped uint32) {
	w.tick += skipped
	for range steps {
		w.tick++
		w.step(w.time(w.tick))
	}
	w.ticked = true
}

// step is one tick.
func (w *world) step(now int64) {
	dt := 1 / float64(w.hz)
	for i := range w.entities {
		e := &w.entities[i]
		switch {
		case e.rises != 0 && now < e.rises: // shown, so that it is seen to die
		case e.rises != 0:
			w.revive(e)
		case e.bot() && now >= e.think:
			w.think(e, now)
		}
		if e.step(dt, w.width, w.height) {
			w.rehome(e)
		}
		w.show(e, now)
	}
}

// show notes whether the entity looks other than before.
func (w *world) show(e *entity, now int64) {
	if r := e.row(now); r != e.shown {
		e.shown = r
		w.cells[e.cell].dirty = true
	}
}

// index finds an entity.
func (w *world) index(id uint32) (int, bool) {
	return slices.BinarySearchFunc(w.entities, id, func(e entity, id uint32) int { return int(e.id) - int(id) })
}

// find returns an entity, nil if it is not there. It is good until somebody joins
// or leaves.
func (w *world) find(id uint32) *entity {
	if i, ok := w.index(id); ok {
		return &w.entities[i]
	}
	return nil
}

// birthplace is where an entity begins: the same whenever it is asked.
func (w *world) birthplace(id uint32) (x, y float64) {
	r := seeded(w.name) ^ random(id)<<32
	r.next()
	return r.between(0, w.width), r.between(0, w.height)
}

// join adds an entity.
func (w *world) join(id uint32, now int64) {
	i, there := w.index(id)
	if there {
		return
	}
	e := entity{id: id, hp: fullHP, heard: now}
	e.x, e.y = w.birthplace(id)
	if e.bot() {
		e.think = now + int64(w.random.between(0, 2e9))
	}
	w.entities = slices.Insert(w.entities, i, e)
	w.place(&w.entities[i])
}

// place puts an entity that is new, or far from where it was, into its cell.
func (w *world) place(e *entity) {
	e.cell = w.grid.at(e.x, e.y)
	e.shown = row{}
	c := w.cell(e.cell)
	c.population++
	c.dirty = true
	w.show(e, w.time(w.tick))
}

// leave removes an entity.
func (w *world) leave(id uint32) {
	if i, ok := w.index(id); ok {
		w.vacate(w.entities[i].cell)
		w.entities = slices.Delete(w.entities, i, i+1)
	}
}

// populate has those here whom there should be, and nobody else: the players who
// are in the zone, and its bots.
func (w *world) populate(people chat.People, now time.Time) {
	wanted := make([]uint32, 0, len(people)+int(w.spec.GetBots()))
	for _, who := range people {
		wanted = append(wanted, who.Entity)
	}
	slices.Sort(wanted)
	// A zone that has become smaller keeps its players. They leave less room for
	// bots than it was made with.
	for i := range min(w.spec.GetBots(), uint32(max(MaxEntities-len(people), 0))) {
		wanted = append(wanted, firstBot+i)
	}
	for i := len(w.entities) - 1; i >= 0; i-- {
		if _, ok := slices.BinarySearch(wanted, w.entities[i].id); !ok {
			w.leave(w.entities[i].id)
		}
	}
	for _, id := range wanted {
		w.join(id, now.UnixNano())
	}
}
