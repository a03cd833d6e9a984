package zone

import (
	"math"
	"time"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

const (
	// stroll is how far a bot walks at the most, along each axis, in units.
	stroll = 30.0
	// candidates is how many others a bot looks at when it looks for prey. It takes
	// the nearest of them: to look at all would cost too much in a crowd.
	candidates = 8
	// nearBy is how near a bot goes to its prey, in units.
	nearBy = 1.2
)

// think has a bot find something to do.
func (w *world) think(e *entity, now int64) {
	switch w.spec.GetMood() {
	case clusterv1.BotMood_BOT_MOOD_IDLE:
		e.think = now + int64(time.Hour)
	case clusterv1.BotMood_BOT_MOOD_BRAWL:
		w.hunt(e, now)
	default:
		w.wander(e, now)
	}
}

// wander has a bot walk to some place near, and stand there for a while.
func (w *world) wander(e *entity, now int64) {
	x := w.random.between(max(e.x-stroll, 0), min(e.x+stroll, w.width))
	y := w.random.between(max(e.y-stroll, 0), min(e.y+stroll, w.height))
	pace := w.speed * w.random.between(0.3, 1)
	e.walk(x, y, pace, float64(w.hz))
	e.think = now + int64(time.Duration(math.Hypot(x-e.x, y-e.y)/pace*float64(time.Second))) + w.pause(500*time.Millisecond, 3*time.Second)
}

// hunt has a bot run to another entity, and strike it.
func (w *world) hunt(e *entity, now int64) {
	prey := w.find(e.prey)
	if prey == nil || prey.rises != 0 {
		if prey = w.choose(e); prey == nil {
			e.think = now + w.pause(time.Second, 2*time.Second)
			return
		}
		e.prey = prey.id
	}
	if e.reaches(prey, now) {
		e.stand()
		e.strike(prey, now)
		e.think = now + w.pause(cooldown, 2*cooldown)
		return
	}
	dx, dy := prey.x-e.x, prey.y-e.y
	if far := math.Hypot(dx, dy); far > nearBy {
		e.walk(e.x+dx*(far-nearBy)/far, e.y+dy*(far-nearBy)/far, w.speed*w.random.between(0.6, 1), float64(w.hz))
	}
	e.think = now + w.pause(250*time.Millisecond, 500*time.Millisecond)
}

// choose returns somebody near and alive, nil if a look around finds nobody.
func (w *world) choose(e *entity) *entity {
	var nearest *entity
	best := math.Inf(1)
	for range candidates {
		other := &w.entities[w.random.below(len(w.entities))]
		if far := math.Hypot(other.x-e.x, other.y-e.y); other != e && other.rises == 0 && far < best {
			nearest, best = other, far
		}
	}
	return nearest
}

func (w *world) pause(least, most time.Duration) int64 {
	return int64(w.random.between(float64(least), float64(most)))
}
