package delta

import "math"

// crowd is a tick of walkers who go to a place, pause for up to two seconds, and
// go to another one at another speed (random waypoints).
func (s *scene) crowd() {
	for i := range s.actors {
		a := &s.actors[i]
		if a.until > 0 {
			a.until--
			a.state = standing
			continue
		}
		a.state = walking
		if a.approach(a.goalX, a.goalY) {
			a.until = s.r.IntN(2 * hz)
			a.goalX, a.goalY = s.place()
			a.speed = 1 + 4*s.r.Float64()
		}
	}
}

// idle is a tick of people who stand about: one in ten seconds turns, and one in
// a minute takes some steps.
func (s *scene) idle() {
	for i := range s.actors {
		a := &s.actors[i]
		switch {
		case a.until > 0:
			a.until--
			a.state = walking
			a.approach(a.goalX, a.goalY)
		case s.r.IntN(60*hz) == 0:
			a.until = 1 + s.r.IntN(2*hz)
			a.goalX, a.goalY = s.place()
		case s.r.IntN(10*hz) == 0:
			a.heading = s.r.Uint32N(256)
		default:
			a.state = standing
		}
	}
}

// Rules of a battle, in units and ticks.
const (
	reach     = 2.0
	cooldown  = hz / 2
	swing     = 4
	flinch    = 6
	deadFor   = 3 * hz
	runs      = 1.2 // times as fast as walkers
	leastHarm = 40
	mostHarm  = 120
)

// battle is a tick of fighters who run at one of those near, or at anybody, and
// strike when they reach them; who has no hit points left lies for three seconds
// and comes back elsewhere.
func (s *scene) battle() {
	for i := range s.actors {
		a := &s.actors[i]
		a.ready = max(a.ready-1, 0)
		if a.until > 0 {
			if a.until--; a.until == 0 {
				s.recover(a)
			}
		}
		if a.state != dead {
			s.fight(i)
		}
	}
}

// recover ends what an actor was in the middle of.
func (s *scene) recover(a *actor) {
	if a.state == dead {
		a.hp, a.prey = fullHP, -1
		a.x, a.y = s.place()
	}
	a.state = standing
}

func (s *scene) fight(i int) {
	a := &s.actors[i]
	if a.prey < 0 || s.actors[a.prey].state == dead || s.r.IntN(10*hz) == 0 {
		a.prey = s.choose(i)
	}
	if a.prey < 0 {
		return
	}
	prey := &s.actors[a.prey]
	if math.Hypot(prey.x-a.x, prey.y-a.y) > reach {
		speed := a.speed
		a.speed *= runs
		a.approach(prey.x, prey.y)
		a.speed = speed
		if a.until == 0 {
			a.state = walking
		}
		return
	}
	a.look(prey.x-a.x, prey.y-a.y)
	if a.ready > 0 {
		return
	}
	a.ready, a.state, a.until = cooldown, striking, swing
	harm := leastHarm + s.r.Uint32N(mostHarm-leastHarm)
	if prey.hp <= harm {
		prey.hp, prey.state, prey.until = 0, dead, deadFor
		return
	}
	prey.hp -= harm
	prey.state, prey.until = hurt, flinch
}

// choose picks whom to run after: mostly the nearest, sometimes anybody.
func (s *scene) choose(i int) int {
	if s.r.IntN(3) == 0 {
		if j := s.r.IntN(len(s.actors)); j != i && s.actors[j].state != dead {
			return j
		}
	}
	a, best, least := &s.actors[i], -1, math.Inf(1)
	for j := range s.actors {
		b := &s.actors[j]
		if far := math.Hypot(b.x-a.x, b.y-a.y); j != i && b.state != dead && far < least {
			best, least = j, far
		}
	}
	return best
}
