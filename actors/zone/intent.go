package zone

import (
	"math"
	"time"

	"github.com/holdfast-game/holdfast/actors"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// maxNumber bounds the numbers of an intent, in units: what is beyond is no
// wish, but an attempt.
const maxNumber = 1e6

// tolerance is by how much a speed may exceed the limit without being counted,
// for clients that reckon with less precision.
const tolerance = 1.001

// wish is an intent, cut to what is allowed.
type wish struct {
	entity uint32 // 0: there is no wish
	gait   gait
	x, y   float64 // the velocity or the goal
	prey   uint32  // to be struck instead
	// clamped: it went beyond the zone's limits.
	clamped bool
}

// decideIntent takes a player's wish for their own entity.
func (z *zone) decideIntent(env *actors.Env, msg *actors.Message, m *clientv1.Intent, out *actors.Decision) error {
	who, err := z.present(msg)
	if err != nil {
		return err
	}
	if m.GetEntity() != 0 && m.GetEntity() != who.Entity {
		return actors.Refusef(clientv1.Code_CODE_UNAUTHENTICATED, "entity %d is not yours", m.GetEntity())
	}
	w := z.look(env)
	e := w.find(who.Entity)
	wish, refusal := wish{entity: who.Entity}, error(nil)
	answer := &clientv1.Intended{At: e.at()}
	switch a := m.GetAction().(type) {
	case *clientv1.Intent_Steer:
		refusal = w.steer(&wish, a.Steer)
	case *clientv1.Intent_Walk:
		refusal = w.walk(&wish, a.Walk)
	case *clientv1.Intent_Strike:
		answer.Clamped, refusal = w.aim(&wish, e, a.Strike, env.Now)
	default:
		refusal = actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "intent: has no action")
	}
	if refusal != nil {
		return refusal
	}
	if e.rises != 0 {
		wish.entity, answer.Clamped = 0, true
	}
	answer.Clamped = answer.GetClamped() || wish.clamped
	z.change.heard, z.change.wish = who.Entity, wish
	out.Reply(msg.ReplyTo, answer)
	return nil
}

// steer cuts a velocity to the zone's speed, and keeps its direction.
func (w *world) steer(to *wish, m *clientv1.Steer) error {
	if err := check("velocity", m.GetVx(), m.GetVy()); err != nil {
		return err
	}
	to.gait, to.x, to.y = steering, m.GetVx(), m.GetVy()
	if v := math.Hypot(to.x, to.y); v > w.speed {
		to.x, to.y = to.x/v*w.speed, to.y/v*w.speed
		to.clamped = v > w.speed*tolerance
	}
	return nil
}

// walk cuts a goal to the zone's bounds.
func (w *world) walk(to *wish, m *clientv1.Walk) error {
	if m.GetTo() == nil {
		return actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "walk: to: must be set")
	}
	x, y := m.GetTo().GetX(), m.GetTo().GetY()
	if err := check("goal", x, y); err != nil {
		return err
	}
	to.gait, to.x, to.y = walking, min(max(x, 0), w.width), min(max(y, 0), w.height)
	to.clamped = to.x != x || to.y != y
	return nil
}

// aim finds whom to strike. Who is too far away, or struck a moment ago, misses.
func (w *world) aim(to *wish, e *entity, m *clientv1.Strike, now time.Time) (missed bool, err error) {
	prey := w.find(m.GetEntity())
	switch {
	case m.GetEntity() == e.id:
		return false, actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "strike: entity: that is your own")
	case prey == nil:
		return false, actors.Refusef(clientv1.Code_CODE_NOT_FOUND, "strike: there is no entity %d", m.GetEntity())
	case !e.reaches(prey, now.UnixNano()):
		to.entity = 0
		return true, nil
	}
	to.prey = prey.id
	return false, nil
}

// check refuses what is no number, or a huge one.
func check(what string, numbers ...float64) error {
	for _, n := range numbers {
		if !(math.Abs(n) <= maxNumber) { // NaN is not
			return actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "%s: %g, must be within %g units", what, n, float64(maxNumber))
		}
	}
	return nil
}

// obey carries a wish out.
func (w *world) obey(wish *wish, now time.Time) {
	e := w.find(wish.entity)
	switch {
	case e == nil:
	case wish.prey != 0:
		if prey := w.find(wish.prey); prey != nil {
			e.strike(prey, now.UnixNano())
		}
	case wish.gait == walking:
		e.walk(wish.x, wish.y, w.speed, float64(w.hz))
	default:
		e.steer(wish.x, wish.y)
	}
}
