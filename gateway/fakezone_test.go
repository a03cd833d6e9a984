package gateway_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/proto/delta"
)

// entity is somebody in a fakeZone.
type entity struct{ id, x, y uint32 } // x, y in 1/100 unit

// fakeZone is a zone actor without actors: tests say who stands where.
type fakeZone struct {
	t    testing.TB
	bus  *fakeBus
	spec *clientv1.Zone

	mu      sync.Mutex
	epoch   uint64
	tick    uint32
	cells   map[uint32]*delta.Encoder
	tables  map[uint32]*delta.Table
	player  entity // whom Enter lets in
	asked   map[string]int
	refused map[string]clientv1.Code
	answers map[string]func(cmd *cluster.Command) *cluster.Answer
}

// zoneIn puts a zone into the house: the plaza of 100 x 100 units.
func zoneIn(t testing.TB, h *house, cell uint32) *fakeZone { return zoneNamed(t, h, "plaza", cell) }

// zoneNamed puts another zone into it. Groups are those of the last one.
func zoneNamed(t testing.TB, h *house, name string, cell uint32) *fakeZone {
	z := &fakeZone{
		t: t, bus: h.bus,
		spec:   &clientv1.Zone{Name: name, Width: 100, Height: 100, Cell: cell, Hz: 20, MaxSpeed: 6, MaxPlayers: 100},
		epoch:  1,
		cells:  make(map[uint32]*delta.Encoder),
		tables: make(map[uint32]*delta.Table),
		player: entity{id: 1, x: 500, y: 500},

		asked:   make(map[string]int),
		refused: make(map[string]clientv1.Code),
		answers: make(map[string]func(cmd *cluster.Command) *cluster.Answer),
	}
	others := h.router.answer
	h.router.answer = func(cmd *cluster.Command) *cluster.Answer {
		if cmd.To.Kind == "zone" && cmd.To.ID == name || cmd.To.Kind == "group" {
			return z.answer(cmd)
		}
		return others(cmd)
	}
	return z
}

func (z *fakeZone) answer(cmd *cluster.Command) *cluster.Answer {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.asked[cmd.Method]++
	if code, refused := z.refused[cmd.Method]; refused {
		return &cluster.Answer{Code: code, Text: "because"}
	}
	if fn := z.answers[cmd.Method]; fn != nil {
		return fn(cmd)
	}
	at := &clientv1.Point{X: float64(z.player.x) / 100, Y: float64(z.player.y) / 100}
	switch cmd.Method {
	case "Enter":
		e := &clusterv1.ZoneEntered{Spec: &clusterv1.ZoneSpec{Zone: z.spec}, Players: 1}
		if !cmd.Body.(*clusterv1.ZoneEnter).GetSpectate() {
			e.Entity, e.At = z.player.id, at
		}
		return &cluster.Answer{Body: e}
	case "Stay":
		return &cluster.Answer{Body: &clusterv1.ZoneStayed{At: at}}
	case "Key":
		return &cluster.Answer{Body: &clusterv1.ZoneKeyframe{Frame: z.encoder(cmd.Body.(*clusterv1.ZoneKey).GetCell()).Keyframe(nil)}}
	case "Leave":
		if cmd.To.Kind == "group" {
			return &cluster.Answer{Body: &clusterv1.GroupLeft{}}
		}
		return &cluster.Answer{Body: &clusterv1.ZoneLeft{}}
	case "Join":
		return &cluster.Answer{Body: &clusterv1.GroupJoined{Members: 3}}
	case "Intend":
		return &cluster.Answer{Body: &clientv1.Intended{Clamped: true, At: at}}
	case "Say":
		return &cluster.Answer{Body: &clientv1.Said{Id: cmd.Request}}
	}
	return &cluster.Answer{Code: clientv1.Code_CODE_NOT_FOUND, Text: "no such method"}
}

// encoder is that of a cell. The caller holds mu.
func (z *fakeZone) encoder(cell uint32) *delta.Encoder {
	e := z.cells[cell]
	if e == nil {
		var err error
		e, err = delta.NewEncoder(delta.Config{Schema: delta.World, Epoch: z.epoch, Start: time.Now(), Hz: 20})
		if err != nil {
			z.t.Error(err)
		}
		z.cells[cell] = e
		z.tables[cell] = delta.NewTable(delta.World)
		e.Encode(nil, z.tick, z.tables[cell])
	}
	return e
}

// frame is the next frame of a cell, with these entities in it.
func (z *fakeZone) frame(cell uint32, all ...entity) []byte {
	z.mu.Lock()
	defer z.mu.Unlock()
	e := z.encoder(cell)
	z.tick++
	t := z.tables[cell]
	t.Reset()
	for _, one := range all {
		t.Append(one.id, one.x, one.y, 0, 1000, 1)
	}
	return e.Encode(nil, z.tick, t)
}

// show publishes the next frame of a cell.
func (z *fakeZone) show(cell uint32, all ...entity) {
	z.bus.cast(z.topic(cell), z.frame(cell, all...))
}

func (z *fakeZone) topic(cell uint32) string {
	return fmt.Sprintf("zone.%s.%d", z.spec.GetName(), cell)
}

// moved has another owner begin.
func (z *fakeZone) moved() {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.epoch++
	z.tick = 0
	clear(z.cells)
}

func (z *fakeZone) count(method string) int {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.asked[method]
}

// cast delivers a broadcast.
func (b *fakeBus) cast(topic string, body []byte) {
	b.mu.Lock()
	subs := append([]*func([]byte){}, b.subs[topic]...)
	b.mu.Unlock()
	for _, fn := range subs {
		(*fn)(body)
	}
}

func (b *fakeBus) castMessage(t testing.TB, topic string, m proto.Message) {
	t.Helper()
	body, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	b.cast(topic, body)
}

// sight is what a client sees of the world.
type sight struct {
	t        testing.TB
	c        *wsClient
	decoders map[uint32]*delta.Decoder
	cells    map[uint32]uint32 // by stream
	keys     int
	frames   int
}

// enter has a client enter the plaza.
func (c *wsClient) enter(spectate bool, at *clientv1.Point) (*sight, *clientv1.Entered) {
	c.t.Helper()
	s := &sight{t: c.t, c: c, decoders: make(map[uint32]*delta.Decoder), cells: make(map[uint32]uint32)}
	f := c.askWorld(s, enter("plaza", spectate, at))
	if f.GetEntered() == nil {
		c.t.Fatalf("EnterZone answered by %v", f)
	}
	return s, f.GetEntered()
}

func enter(zone string, spectate bool, at *clientv1.Point) *clientv1.ClientFrame {
	return &clientv1.ClientFrame{Seq: 2, Body: &clientv1.ClientFrame_EnterZone{EnterZone: &clientv1.EnterZone{Zone: zone, Spectate: spectate, At: at}}}
}

// take decodes a frame of the world; false: it is another.
func (s *sight) take(f *clientv1.ServerFrame) bool {
	s.t.Helper()
	var err error
	switch b := f.GetBody().(type) {
	case *clientv1.ServerFrame_WorldKey:
		d := s.decoders[b.WorldKey.GetStream()]
		if d == nil {
			d = delta.NewDecoder(delta.World)
			s.decoders[b.WorldKey.GetStream()] = d
			s.cells[b.WorldKey.GetStream()] = b.WorldKey.GetCell()
		}
		s.keys++
		if err = d.Decode(b.WorldKey.GetFrame()); err == delta.ErrStale {
			err = nil // it had all that already
		}
	case *clientv1.ServerFrame_World:
		d := s.decoders[b.World.GetStream()]
		if d == nil {
			s.t.Fatalf("a frame of stream %d, which has not begun", b.World.GetStream())
		}
		s.frames++
		err = d.Decode(b.World.GetFrame())
	case *clientv1.ServerFrame_WorldGone:
		for _, n := range b.WorldGone.GetStreams() {
			delete(s.decoders, n)
			delete(s.cells, n)
		}
	default:
		return false
	}
	if err != nil {
		s.t.Fatalf("decode %v: %v", f, err)
	}
	return true
}

// await reads until the client sees an entity at a place.
func (s *sight) await(e entity) {
	s.t.Helper()
	s.until(func() bool { return s.sees(e) })
}

// until reads the world until ok.
func (s *sight) until(ok func() bool) {
	s.t.Helper()
	for !ok() {
		if f := s.c.receive(); !s.take(f) {
			s.t.Fatalf("waiting for the world, got %v", f)
		}
	}
}

// askWorld asks something, and returns the reply, whatever of the world comes
// before it.
func (c *wsClient) askWorld(s *sight, f *clientv1.ClientFrame) *clientv1.ServerFrame {
	c.t.Helper()
	c.send(f)
	for {
		if f := c.receive(); !s.take(f) {
			return f
		}
	}
}

func (s *sight) sees(e entity) bool {
	for _, d := range s.decoders {
		if i, ok := d.Table().Find(e.id); ok && d.Table().Row(i)[0] == e.x && d.Table().Row(i)[1] == e.y {
			return true
		}
	}
	return false
}

// fakeWorld is a World that tests change.
type fakeWorld struct {
	mu    sync.Mutex
	zones []*clientv1.Zone
	owner map[string]string
	n     int
}

// set names the zones there are, and the owner of one.
func (w *fakeWorld) set(zone, owner string, zones ...*clientv1.Zone) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.zones, w.owner = zones, map[string]string{zone: owner}
}

func (w *fakeWorld) Zones() []*clientv1.Zone {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
	return w.zones
}

func (w *fakeWorld) Owner(kind, id string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if kind != "zone" {
		return ""
	}
	return w.owner[id]
}

// asked is how often it was looked at.
func (w *fakeWorld) asked() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.n
}
