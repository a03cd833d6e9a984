package zone

import (
	"math"
	"time"

	"github.com/holdfast-game/holdfast/actors"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

const (
	// parkedFor is how long a parked world may be gone on from.
	parkedFor = 10 * time.Second
	// caughtUp is how much of the time that nobody ran it a parked world catches up
	// with, so that what walked does not seem to have stood still.
	caughtUp = time.Second
)

// Parts implements actors.Parter.
func (z *zone) Parts() bool { return z.spec != nil && z.world != nil && len(z.world.entities) > 0 }

// decideParting journals where everybody is.
func (z *zone) decideParting(env *actors.Env, out *actors.Decision) error {
	if z.Parts() {
		out.Event(&journalv1.ZoneEvent{Change: &journalv1.ZoneEvent_Parked{Parked: z.world.park(env.Now)}})
	}
	return nil
}

func (w *world) park(now time.Time) *journalv1.ZoneParked {
	p := &journalv1.ZoneParked{At: now.UnixNano(), Entities: make([]*journalv1.ParkedEntity, len(w.entities))}
	entities := make([]journalv1.ParkedEntity, len(w.entities))
	for i := range w.entities {
		e, to := &w.entities[i], &entities[i]
		to.Id, to.X, to.Y, to.Vx, to.Vy = e.id, e.x, e.y, e.vx, e.vy
		to.Heading, to.Hp = uint32(e.heading), uint32(e.hp)
		if e.gait == walking {
			to.Walks, to.GoalX, to.GoalY = true, e.goalX, e.goalY
		}
		if e.rises != 0 {
			to.DeadMs = uint32(max((e.rises-now.UnixNano())/int64(time.Millisecond), 1))
		}
		p.Entities[i] = to
	}
	return p
}

// unpark forgets what was parked: the world that begins now, if it does, has it.
func (z *zone) unpark(env *actors.Env, out *actors.Decision) {
	if z.parked != nil {
		z.look(env)
		out.Event(&journalv1.ZoneEvent{Change: &journalv1.ZoneEvent_Unparked{Unparked: &journalv1.ZoneUnparked{}}})
	}
}

// resume has everybody who was parked where they were, and where they would be by
// now.
func (w *world) resume(p *journalv1.ZoneParked, now time.Time) {
	age := now.UnixNano() - p.GetAt()
	if age < 0 || age > int64(parkedFor) {
		return
	}
	for _, from := range p.GetEntities() {
		n := len(w.entities)
		if n > 0 && w.entities[n-1].id >= from.GetId() || check("parked", from.GetX(), from.GetY(), from.GetVx(), from.GetVy(), from.GetGoalX(), from.GetGoalY()) != nil {
			continue // begins anew
		}
		w.entities = append(w.entities, w.parked(from, p.GetAt(), now.UnixNano()))
		w.place(&w.entities[n])
	}
	period := int64(time.Second) / w.hz
	for t := p.GetAt() + period; t <= min(now.UnixNano(), p.GetAt()+int64(caughtUp)); t += period {
		w.step(t)
	}
}

// parked is one entity as it was.
func (w *world) parked(from *journalv1.ParkedEntity, at, now int64) entity {
	e := entity{
		id: from.GetId(), hp: int32(min(from.GetHp(), fullHP)), heading: uint8(from.GetHeading()), heard: now,
		x: min(max(from.GetX(), 0), w.width), y: min(max(from.GetY(), 0), w.height),
	}
	speed := min(math.Hypot(from.GetVx(), from.GetVy()), w.speed)
	switch {
	case from.GetDeadMs() > 0:
		e.rises = at + int64(from.GetDeadMs())*int64(time.Millisecond)
	case speed == 0:
	case from.GetWalks():
		e.walk(min(max(from.GetGoalX(), 0), w.width), min(max(from.GetGoalY(), 0), w.height), speed, float64(w.hz))
	default:
		e.steer(from.GetVx(), from.GetVy())
	}
	e.moved = e.gait != standing
	if e.bot() {
		e.think = at + w.pause(500*time.Millisecond, 2*time.Second)
	}
	return e
}
