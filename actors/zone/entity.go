package zone

import (
	"math"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// firstBot is the entity of the first bot; players have those below. Bots are not
// journaled: they have the numbers from here on.
const firstBot = 1 << 20

// fullHP is what an entity begins with.
const fullHP = 1000

// gait is how an entity moves.
type gait uint8

const (
	standing gait = iota
	steering      // at its velocity, until told otherwise
	walking       // to its goal
)

// condition is what an entity is shown to be doing, as the frames' field state
// has it.
type condition uint32

const (
	idle condition = iota
	moving
	striking
	hurt
	dead
)

// entity is what stands or moves in a zone. Moments are in Unix nanoseconds, and
// 0 when there is none.
type entity struct {
	id   uint32
	cell uint32
	gait gait
	// moved: in the last tick.
	moved   bool
	heading uint8 // 256 are a full turn, counter-clockwise from east
	hp      int32
	steps   uint32 // to the goal

	x, y, vx, vy float64 // units, and units per second
	goalX, goalY float64

	strikes int64 // is shown striking until then
	ready   int64 // may strike again then
	hurts   int64 // is shown hurt until then
	rises   int64 // is dead until then

	heard int64 // when its player was last heard of

	// Of bots.
	think int64  // when to look for something to do
	prey  uint32 // what it runs after

	shown row
}

// row is an entity as frames have it: x, y, heading, hp, state.
type row [5]uint32

func (e *entity) bot() bool { return e.id >= firstBot }

// at is where the entity is, nil for none.
func (e *entity) at() *clientv1.Point {
	if e == nil {
		return nil
	}
	return &clientv1.Point{X: e.x, Y: e.y}
}

// head turns the entity to where it moves.
func (e *entity) head(vx, vy float64) {
	e.vx, e.vy = vx, vy
	e.heading = uint8(int(math.Round(math.Atan2(vy, vx)/(2*math.Pi)*256)) & 255)
}

func (e *entity) stand() { e.gait, e.vx, e.vy, e.steps = standing, 0, 0, 0 }

// steer has the entity move on at a velocity.
func (e *entity) steer(vx, vy float64) {
	if vx == 0 && vy == 0 {
		e.stand()
		return
	}
	e.head(vx, vy)
	e.gait = steering
}

// walk has the entity go to a place. The number of steps is fixed from the
// beginning, so that it arrives, and goes straight at an even pace.
func (e *entity) walk(x, y, speed, hz float64) {
	dx, dy := x-e.x, y-e.y
	far := math.Hypot(dx, dy)
	if far == 0 {
		e.stand()
		return
	}
	e.head(dx/far*speed, dy/far*speed)
	e.gait, e.goalX, e.goalY = walking, x, y
	e.steps = uint32(math.Ceil(far / speed * hz))
}

// step moves the entity on by one tick of dt seconds, within a world of that
// size. It says whether it has moved.
func (e *entity) step(dt, width, height float64) bool {
	x, y := e.x, e.y
	switch e.gait {
	case standing:
		e.moved = false
		return false
	case steering:
		x, y = min(max(x+e.vx*dt, 0), width), min(max(y+e.vy*dt, 0), height)
	case walking:
		x, y = x+e.vx*dt, y+e.vy*dt
		if e.steps--; e.steps == 0 {
			x, y = e.goalX, e.goalY
			e.stand()
		}
	}
	e.moved = x != e.x || y != e.y
	e.x, e.y = x, y
	return e.moved
}

// condition is what the entity is doing at a moment. What is worse hides what is
// not so bad.
func (e *entity) condition(now int64) condition {
	switch {
	case e.rises != 0:
		return dead
	case now < e.hurts:
		return hurt
	case now < e.strikes:
		return striking
	case e.moved:
		return moving
	}
	return idle
}

// row is how the entity is shown at a moment.
func (e *entity) row(now int64) row {
	return row{
		uint32(e.x*100 + 0.5), uint32(e.y*100 + 0.5),
		uint32(e.heading), uint32(e.hp), uint32(e.condition(now)),
	}
}
