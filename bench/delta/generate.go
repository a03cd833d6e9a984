package delta

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/holdfast-game/holdfast/proto/delta"
)

// States of an entity, as zones have them.
const (
	standing = iota
	walking
	striking
	hurt
	dead
)

const (
	hz     = 20
	side   = 100.0 // of the world, in units
	fullHP = 1000
)

// generators make what happens in a tick.
var generators = map[string]func(*scene){"crowd": (*scene).crowd, "battle": (*scene).battle, "idle": (*scene).idle}

// Kinds of traces that Generate makes.
func Kinds() []string {
	var kinds []string
	for kind := range generators {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

// GenerateConfig says what trace to make.
type GenerateConfig struct {
	// crowd: everybody walks from place to place, and pauses. battle: everybody runs
	// at somebody and strikes. idle: everybody stands, and now and then looks around.
	Kind string
	Seed uint64
	// At least 2.
	Ticks int
	// 1 to 4096.
	Entities int
}

// Validate rejects what cannot be made.
func (c GenerateConfig) Validate() error {
	switch {
	case generators[c.Kind] == nil:
		return fmt.Errorf("Kind %q is none of %s", c.Kind, strings.Join(Kinds(), ", "))
	case c.Ticks < 2 || c.Ticks > 1_000_000:
		return fmt.Errorf("Ticks %d is not between 2 and 1,000,000", c.Ticks)
	case c.Entities < 1 || c.Entities > delta.MaxEntities:
		return fmt.Errorf("Entities %d is not between 1 and %d", c.Entities, delta.MaxEntities)
	}
	return nil
}

// Generate makes a trace at 20 ticks a second, the same for the same config.
func Generate(c GenerateConfig) (Trace, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("check generator: %w", err)
	}
	s := newScene(c)
	t := make(Trace, c.Ticks)
	for i := range t {
		generators[c.Kind](s)
		t[i] = Tick{Tick: uint32(i), Entities: make([]Entity, len(s.actors))}
		for j := range s.actors {
			t[i].Entities[j] = s.actors[j].entity(uint32(j + 1))
		}
	}
	return t, nil
}

// scene is where actors are.
type scene struct {
	r      *rand.Rand
	actors []actor
}

type actor struct {
	x, y, goalX, goalY float64 // units
	speed              float64 // units per second
	heading            uint32
	hp                 uint32
	state              uint32
	until              int // ticks until the state ends
	ready              int // ticks until it may strike again
	prey               int // whom it runs after; -1: nobody
}

func newScene(c GenerateConfig) *scene {
	s := &scene{r: rand.New(rand.NewPCG(c.Seed, 0)), actors: make([]actor, c.Entities)}
	for i := range s.actors {
		a := &s.actors[i]
		a.x, a.y = s.place()
		a.goalX, a.goalY = s.place()
		a.speed = 1 + 4*s.r.Float64()
		a.heading = s.r.Uint32N(256)
		a.hp, a.prey = fullHP, -1
	}
	return s
}

func (s *scene) place() (x, y float64) { return s.r.Float64() * side, s.r.Float64() * side }

func (a *actor) entity(id uint32) Entity {
	return Entity{ID: id, X: hundredths(a.x), Y: hundredths(a.y), Heading: a.heading, HP: a.hp, State: a.state}
}

func hundredths(v float64) uint32 { return uint32(math.Round(v * 100)) }

// look turns an actor towards a point.
func (a *actor) look(dx, dy float64) {
	a.heading = uint32(int(math.Round(math.Atan2(dy, dx)/(2*math.Pi)*256)) & 255)
}

// approach goes one tick towards a point, and tells whether it is reached.
func (a *actor) approach(x, y float64) bool {
	dx, dy := x-a.x, y-a.y
	far, step := math.Hypot(dx, dy), a.speed/hz
	if far > 0 {
		a.look(dx, dy)
	}
	if far <= step {
		a.x, a.y = x, y
		return true
	}
	a.x += dx / far * step
	a.y += dy / far * step
	return false
}
