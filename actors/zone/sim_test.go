package zone

import (
	"flag"
	"fmt"
	"math"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/actorstest"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

var (
	seeds = flag.Uint64("zone.seeds", 20, "how many seeds of the crowd to run")
	seed  = flag.Uint64("zone.seed", 0, "run only this seed of the crowd")
)

// TestCrowd has players do as they please in a zone, and their gateway look on,
// under loss, duplication, delay, crashes and moves, and checks all the while
// what must be so.
func TestCrowd(t *testing.T) {
	first, last := uint64(1), *seeds
	if *seed != 0 {
		first, last = *seed, *seed
	}
	seen := make(map[string]int)
	for n := first; n <= last; n++ {
		c, err := newCrowd(n, bug{})
		if err == nil {
			err = c.run()
		}
		if err != nil {
			t.Fatalf("seed %d: %v\nrepeat with: go test ./actors/zone -run TestCrowd -zone.seed=%d", n, err, n)
		}
		for what, times := range c.seen {
			seen[what] += times
		}
	}
	// The seeds lead to where mistakes would hide.
	for _, what := range []string{"entered", "said", "clamped", "frame", "key", "gap", "struck", "died", "rose", "silent", "parked", "resumed", "unread"} {
		if *seed == 0 && seen[what] < 5 {
			t.Errorf("%s: %d times, want at least 5 (all: %v)", what, seen[what], seen)
		}
	}
}

// crowd is a world with one zone, its players and one gateway.
type crowd struct {
	bug     bug
	w       *actorstest.World
	spec    *clusterv1.ZoneSpec
	clients []*client
	gateway *gateway
	zone    *watched // the newest
	seen    map[string]int
	heard   map[actors.PlayerID]time.Time // by the zone
	rough   time.Duration                 // between two disturbances
	calm    bool                          // there will be none
	err     error

	// Of the last look at the zone.
	world *world
	tick  uint32
	was   map[uint32]entity
}

func newCrowd(seed uint64, b bug) (*crowd, error) {
	c := &crowd{bug: b, seen: make(map[string]int), heard: make(map[actors.PlayerID]time.Time)}
	kind := Kind(Config{Meter: c})
	kind.New = func(id string) actors.Behaviour {
		cfg := Config{Meter: c}
		c.zone = &watched{zone: newZone(&cfg, id), crowd: c}
		return c.zone
	}
	cfg := actorstest.Config{Seed: seed, Kinds: []actors.Kind{kind}, Loss: 0.02, Duplicate: 0.02, DuplicateDelay: 100 * time.Millisecond}
	cfg.Cast = func(topic string, frame []byte) { c.gateway.carry(topic, frame) }
	w, err := actorstest.New(cfg)
	if err != nil {
		return nil, err
	}
	c.w = w
	c.gateway = newGateway(c)
	r := w.Rand()
	c.spec = &clusterv1.ZoneSpec{
		Zone: &clientv1.Zone{
			Name: "yard", Width: 8 + r.Uint32N(30), Height: 8 + r.Uint32N(30), Cell: []uint32{0, 5, 7, 20}[r.IntN(4)],
			Hz: []uint32{7, 20, 30}[r.IntN(3)], MaxSpeed: 6, MaxPlayers: 4 + r.Uint32N(4),
		},
		Bots: r.Uint32N(8), Mood: clusterv1.BotMood(r.IntN(4)),
	}
	c.rough = []time.Duration{5 * time.Second, 20 * time.Second, time.Minute}[r.IntN(3)]
	for i := range 6 {
		c.clients = append(c.clients, &client{crowd: c, name: actors.PlayerID(fmt.Sprintf("p%d", i)), said: make(map[uint64]*line)})
	}
	return c, nil
}

func (c *crowd) Ticked(int, int) {}
func (c *crowd) Shown(int, int)  {}
func (c *crowd) Clamped()        { c.seen["clamped"]++ }

func (c *crowd) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("at %s: %w", c.w.Now().Format("15:04:05.000"), fmt.Errorf(format, args...))
	}
}

// run lets a minute or so pass.
func (c *crowd) run() error {
	w, r := c.w, c.w.Rand()
	c.open()
	for _, p := range c.clients {
		w.After(time.Duration(r.Int64N(int64(time.Second))), p.act)
	}
	for at := time.Duration(0); at < 50*time.Second; at += time.Duration(r.Int64N(int64(2 * c.rough))) {
		w.After(at, c.disturb)
	}
	if err := w.Run(55*time.Second, c.check); err != nil {
		return err
	}
	w.Calm()
	c.calm = true
	for _, p := range c.clients {
		p.idle = true
	}
	if err := w.Run(5*time.Second, c.check); err != nil {
		return err
	}
	if c.gateway.waiting() > 0 {
		return fmt.Errorf("after calm seconds the gateway still waits for %d keyframes", c.gateway.waiting())
	}
	return w.Verify()
}

// open asks for the zone until it is there.
func (c *crowd) open() {
	done := false
	c.w.Call(actorstest.Call{
		To: Ref("yard"), Method: MethodOpen, Caller: actors.Caller{Admin: true}, Body: &clusterv1.OpenZone{Spec: proto.CloneOf(c.spec)},
		Done: func(proto.Message, *actors.Refusal) { done = true },
	})
	c.w.After(100*time.Millisecond, func() {
		if !done {
			c.open()
		}
	})
}

// disturb crashes the node, moves the zone, or changes it.
func (c *crowd) disturb() {
	switch r := c.w.Rand(); r.IntN(4) {
	case 0:
		c.w.Crash(0, time.Duration(r.Int64N(int64(time.Second))))
	case 1:
		c.spec.Zone.Cell = []uint32{0, 5, 7, 20}[r.IntN(4)]
		c.spec.Bots = r.Uint32N(8)
		c.open()
	default:
		c.w.HandOver(0, time.Duration(r.Int64N(int64(100*time.Millisecond))))
	}
}

// check looks at the zone after every step of the world.
func (c *crowd) check() error {
	if c.err != nil {
		return c.err
	}
	z, _ := c.w.Actor(Ref("yard")).(*watched)
	if z == nil || z.world == nil {
		return nil
	}
	w := z.world
	if w == c.world && w.tick == c.tick {
		return nil
	}
	if err := c.checkPeople(z.zone); err != nil {
		return err
	}
	for i := range w.entities {
		if err := c.checkEntity(w, &w.entities[i]); err != nil {
			return fmt.Errorf("at %s, tick %d: entity %d: %w", c.w.Now().Format("15:04:05.000"), w.tick, w.entities[i].id, err)
		}
	}
	c.world, c.tick, c.was = w, w.tick, make(map[uint32]entity)
	for _, e := range w.entities {
		c.was[e.id] = e
	}
	return nil
}

// checkPeople: the world is populated by those who should be there, and cells
// know how many they have.
func (c *crowd) checkPeople(z *zone) error {
	w := z.world
	if want := len(z.people) + int(w.spec.GetBots()); len(w.entities) != want {
		return fmt.Errorf("%d entities, want %d", len(w.entities), want)
	}
	taken := make(map[uint32]bool)
	for _, who := range z.people {
		if taken[who.Entity] || w.find(who.Entity) == nil {
			return fmt.Errorf("player %s has entity %d, which is another's or not there", who.Player, who.Entity)
		}
		taken[who.Entity] = true
	}
	population := make(map[uint32]int)
	for i := range w.entities {
		population[w.entities[i].cell]++
	}
	for number, cell := range w.cells {
		if cell == nil && population[uint32(number)] > 0 || cell != nil && cell.population != population[uint32(number)] {
			return fmt.Errorf("cell %d has %d entities and does not know it", number, population[uint32(number)])
		}
	}
	return nil
}

// checkEntity: nobody is where, or moves as, they must not.
func (c *crowd) checkEntity(w *world, e *entity) error {
	if !(e.x >= 0 && e.x <= w.width && e.y >= 0 && e.y <= w.height) {
		return fmt.Errorf("is out of bounds at %g %g", e.x, e.y)
	}
	if w.grid.left(e.cell, e.x, e.y) {
		return fmt.Errorf("is in cell %d at %g %g", e.cell, e.x, e.y)
	}
	if e.hp < 0 || e.hp > fullHP || (e.hp == 0) != (e.rises != 0) {
		return fmt.Errorf("has %d hp, and rises at %d", e.hp, e.rises)
	}
	was, known := c.was[e.id]
	if !known || w != c.world || was.hp == 0 && e.hp > 0 {
		if known && w == c.world {
			c.seen["rose"]++
		}
		return nil
	}
	if e.hp < was.hp {
		c.seen["struck"]++
		if e.hp == 0 {
			c.seen["died"]++
		}
	}
	far := math.Hypot(e.x-was.x, e.y-was.y)
	if most := w.speed * float64(w.tick-c.tick) / float64(w.hz); far > most+1e-9 {
		return fmt.Errorf("moves by %g units, at most %g", far, most)
	}
	if was.hp == 0 && far > 0 {
		return fmt.Errorf("is dead and moves")
	}
	return nil
}

// watched is a zone that is looked at from inside, with a bug if there is one.
type watched struct {
	*zone
	crowd *crowd
	now   time.Time
	msg   actors.Message
}

func (z *watched) Decide(env *actors.Env, msg *actors.Message, out *actors.Decision) error {
	before := len(z.people)
	z.now, z.msg = env.Now, *msg
	if err := z.zone.Decide(env, msg, out); err != nil {
		return err
	}
	if len(z.people) != before {
		z.crowd.fail("deciding has changed who is there")
	}
	switch msg.Method {
	case MethodEnter, MethodStay, MethodIntend, MethodSay:
		z.crowd.heard[msg.Caller.Player] = env.Now
	case "":
		for _, who := range z.change.left {
			z.crowd.left(who.Player)
		}
	}
	if b := z.crowd.bug.decide; b != nil {
		b(z.zone, msg, out)
	}
	if msg.Parting && len(out.Events) > 0 {
		z.crowd.seen["parked"]++
	}
	if z.world == nil && z.parked != nil && z.change.world != nil && env.Now.UnixNano()-z.parked.GetAt() < int64(parkedFor) {
		z.crowd.resumed(z.change.world, z.parked)
	}
	return nil
}

func (z *watched) ApplyVolatile(v any) {
	z.zone.ApplyVolatile(v)
	if b := z.crowd.bug.volatile; b != nil && z.world != nil {
		b(z.world)
	}
	if _, there := z.people.Find(z.msg.Caller.Player); there && z.msg.Method == MethodLeave {
		z.crowd.fail("%s has left and is there", z.msg.Caller.Player)
	}
}

// Cast notes what each frame should tell.
func (z *watched) Cast(cast func(string, []byte)) {
	ticked := z.world != nil && z.world.ticked
	var frames [][2]string
	z.zone.Cast(func(topic string, frame []byte) {
		if b := z.crowd.bug.cast; b == nil || b(z.zone, frame) {
			frames = append(frames, [2]string{topic, string(frame)})
		}
	})
	z.crowd.gateway.watch(frames)
	if z.world != nil {
		z.crowd.gateway.expect(z.world, frames)
	}
	if ticked && z.world != nil {
		z.crowd.gateway.compare(z.world)
	}
	for _, f := range frames {
		cast(f[0], []byte(f[1]))
	}
}
