package zone

import (
	"time"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/chat"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// change is what a decision does to volatile state. Fields that stay zero change
// nothing.
type change struct {
	now    time.Time
	world  *world // begins
	heard  uint32 // the entity of a player who was heard of
	wish   wish
	stream *stream // of a cell that had none, or none that was shown
	asked  bool    // for a stream, of the cell ...
	cell   uint32  // ... with this number

	steps, skipped uint32 // ticks
	checked        bool   // what is looked at once a second

	joined chat.Person
	left   []chat.Person
	told   bool // who has come and gone
}

const (
	// silence is how long a player may not be heard of.
	silence = 30 * time.Second
	// checkEvery is how often it is looked for silent players and quiet cells.
	checkEvery = time.Second
	// maxSilent bounds how many leave at once for their silence, so that their
	// events fit into one entry of a log. The others leave a second later.
	maxSilent = 256
	// maxSteps is how many ticks that are late are caught up with. The others are
	// skipped: a zone whose node is too slow must not make it slower.
	maxSteps = 3
)

// look returns the world, for a decision to look at. It begins with the first
// look after the zone was opened, loaded or left alone.
func (z *zone) look(env *actors.Env) *world {
	switch {
	case z.world != nil:
		return z.world
	case z.change.world == nil:
		z.change.world = z.begin(env)
	}
	return z.change.world
}

// decideTimer moves the world on, has players leave who are silent, and tells
// who has come and gone.
func (z *zone) decideTimer(env *actors.Env, out *actors.Decision) error {
	if z.news.due(env.Now) {
		z.change.told = true
		z.tell(out)
	}
	if z.spec == nil || z.world == nil && !z.populated() {
		return nil
	}
	w, c := z.look(env), &z.change
	c.steps, c.skipped = w.late(env.Now)
	if !passed(env.Now, w.check) {
		return nil
	}
	c.checked = true
	for _, who := range z.people {
		if e := w.find(who.Entity); e != nil && env.Now.UnixNano()-e.heard > int64(silence) && len(c.left) < maxSilent {
			z.leave(who, journalv1.ZoneLeftWhy_ZONE_LEFT_WHY_SILENT, out)
		}
	}
	return nil
}

// ApplyVolatile implements actors.Volatile.
func (z *zone) ApplyVolatile(v any) {
	c := v.(*change)
	z.news.note(c)
	if c.world != nil {
		z.world = c.world
		z.world.populate(z.people, c.now)
	}
	if z.world == nil {
		return
	}
	if z.world.spec != z.spec || z.world.lost(c.now) {
		z.respec(c)
	}
	w := z.world
	if w == nil {
		return
	}
	if e := w.find(c.heard); e != nil {
		e.heard = c.now.UnixNano()
	}
	if c.wish.clamped {
		z.cfg.Meter.Clamped()
	}
	w.obey(&c.wish, c.now)
	if c.asked {
		w.asked(c)
	}
	if c.steps+c.skipped > 0 {
		w.advance(c.steps, c.skipped)
		z.cfg.Meter.Ticked(int(c.steps), int(c.skipped))
	}
	if c.checked {
		w.reap(c.now)
	}
	if len(w.entities) == 0 && len(w.open) == 0 {
		z.world, z.after = nil, w.shown()
	}
}

// respec makes the world what the zone has become. When that is nothing, the
// world is shown once more, empty, and then is no more.
func (z *zone) respec(c *change) {
	switch {
	case z.spec != nil:
		z.world = z.world.remade(z.spec, z.people, c.now)
	case z.world.ending:
		z.world, z.after = nil, z.world.shown()
	default:
		z.world.end()
	}
}

// Busy implements actors.Volatile.
func (z *zone) Busy() bool { return z.world != nil || z.news.any() }

// NextTimer implements actors.Timed.
func (z *zone) NextTimer() (time.Time, bool) {
	at, ok := z.news.next()
	earlier := func(t int64) {
		if !ok || t < at {
			at, ok = t, true
		}
	}
	switch w := z.world; {
	case w == nil && z.populated(), w != nil && w.ending:
		earlier(0)
	case w == nil:
	case len(w.entities) == 0:
		earlier(w.check)
	default:
		// A host that keeps time in milliseconds rounds up: what is asked for a
		// moment before a whole one comes with it, not one later.
		earlier(w.time(w.tick+1) - 1)
	}
	return time.Unix(0, at), ok
}
