package zone

import (
	"math"
	"time"
)

// What a strike is.
const (
	reach    = 2.0 // units
	damage   = 100 // hit points
	cooldown = 500 * time.Millisecond
	// flash is how long striking, and being hurt, is shown.
	flash = 300 * time.Millisecond
	// death is how long one is dead.
	death = 3 * time.Second
)

// reaches says whether the entity can strike another now.
func (e *entity) reaches(prey *entity, now int64) bool {
	return e.rises == 0 && prey.rises == 0 && now >= e.ready && math.Hypot(prey.x-e.x, prey.y-e.y) <= reach
}

// strike hits another entity. Who stands turns to it.
func (e *entity) strike(prey *entity, now int64) {
	if e.gait == standing && (prey.x != e.x || prey.y != e.y) {
		e.head(prey.x-e.x, prey.y-e.y)
		e.stand()
	}
	e.strikes, e.ready = now+int64(flash), now+int64(cooldown)
	prey.hp -= damage
	prey.hurts = now + int64(flash)
	if prey.hp > 0 {
		return
	}
	prey.hp, prey.rises, prey.moved = 0, now+int64(death), false
	prey.stand()
}

// revive has a dead entity begin anew, somewhere else.
func (w *world) revive(e *entity) {
	w.vacate(e.cell)
	e.hp, e.rises, e.hurts = fullHP, 0, 0
	e.x, e.y = w.random.between(0, w.width), w.random.between(0, w.height)
	w.place(e)
}
