package client

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	"github.com/holdfast-game/holdfast/proto/delta"
)

// ErrLeft: the zone was left, by LeaveZone, by the player elsewhere, or because it
// was closed.
var ErrLeft = errors.New("zone was left")

// ZoneView is what a Conn sees of a zone that it has entered: the cells around
// the player's entity, or around the place that a spectator looks at. It lives
// until the zone is left, over reconnects too. All methods may be called from any
// goroutine.
type ZoneView struct {
	world *world
	name  string

	updates chan struct{}
	done    chan struct{}

	// The rest is guarded by world.mu.

	entering int // calls of EnterZone under way
	in       bool
	options  EnterOptions
	err      error // set before done is closed

	zone   *clientv1.Zone
	entity uint32
	owner  string

	schema  *delta.Schema
	columns columns
	cells   map[uint32]*cell
	old     bool // cells are of an earlier connection
	stats   ZoneStats
}

// ZoneStats count what came of a zone.
type ZoneStats struct {
	// Frames and Keys are messages, Bytes those of the delta frames in them.
	Frames, Keys, Bytes uint64
	// Resyncs is how often a picture had to be asked for, because a frame did not
	// fit to those before it.
	Resyncs uint64
}

// Entity is one row of a zone, in units.
type Entity struct {
	ID   uint32
	X, Y float64
	// Heading is in radians, counter-clockwise from the east, below 2 Pi.
	Heading float64
	// HP is 0 to 1,000.
	HP uint32
	// State is what the entity does; see docs/protocol.md.
	State uint32
	// Cell is where it was seen.
	Cell uint32
}

// columns are where an Entity's fields stand in a row; -1 for nowhere.
type columns struct {
	x, y, heading, hp, state int
	turn                     float64 // radians per step of the heading
}

const unit = 100 // positions are in 1/100

func newZoneView(w *world, name string) *ZoneView {
	z := &ZoneView{
		world: w, name: name,
		updates: make(chan struct{}, 1), done: make(chan struct{}),
		cells: make(map[uint32]*cell),
	}
	z.setSchema(delta.World)
	return z
}

func (z *ZoneView) setSchema(s *delta.Schema) {
	fields := s.Fields()
	at := func(name string) int {
		return slices.IndexFunc(fields, func(f delta.Field) bool { return f.Name == name })
	}
	z.schema = s
	z.columns = columns{x: at("x"), y: at("y"), heading: at("heading"), hp: at("hp"), state: at("state")}
	if i := z.columns.heading; i >= 0 {
		z.columns.turn = 2 * math.Pi / float64(uint32(1)<<fields[i].Bits)
	}
}

// schemaOf reads the fields of an Entered.
func schemaOf(fields []*clientv1.Field) (*delta.Schema, error) {
	out := make([]delta.Field, len(fields))
	for i, f := range fields {
		if f.GetKind() < 0 || f.GetKind() > math.MaxUint8 || f.GetBits() > math.MaxUint8 {
			return nil, fmt.Errorf("%w: field %q: kind %d with %d bits", ErrProtocol, f.GetName(), f.GetKind(), f.GetBits())
		}
		out[i] = delta.Field{Name: f.GetName(), Kind: delta.Kind(f.GetKind()), Bits: uint8(f.GetBits())}
	}
	if slices.Equal(out, delta.World.Fields()) {
		return delta.World, nil
	}
	s, err := delta.NewSchema(out...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	return s, nil
}

// notify says that there is something new to look at. world.mu is held.
func (z *ZoneView) notify() {
	select {
	case z.updates <- struct{}{}:
	default: // nobody has looked since the last one
	}
}

// Name is the zone's.
func (z *ZoneView) Name() string { return z.name }

// Zone is what the server has said of the zone.
func (z *ZoneView) Zone() *clientv1.Zone {
	z.world.mu.Lock()
	defer z.world.mu.Unlock()
	return z.zone
}

// Entity is the player's own, 0 for a spectator. It may be another one after a
// reconnect that has taken long.
func (z *ZoneView) Entity() uint32 {
	z.world.mu.Lock()
	defer z.world.mu.Unlock()
	return z.entity
}

// Owner is the node that runs the zone, as far as the server has said.
func (z *ZoneView) Owner() string {
	z.world.mu.Lock()
	defer z.world.mu.Unlock()
	return z.owner
}

// Stats returns the counts so far.
func (z *ZoneView) Stats() ZoneStats {
	z.world.mu.Lock()
	defer z.world.mu.Unlock()
	return z.stats
}

// Updates has something after each change of what is seen. Changes that nobody
// has looked at are one.
func (z *ZoneView) Updates() <-chan struct{} { return z.updates }

// Done is closed when the view has ended, and Err says why: the zone was left,
// or could not be entered again, or the Conn has ended.
func (z *ZoneView) Done() <-chan struct{} { return z.done }

// Err is nil while the view lives.
func (z *ZoneView) Err() error {
	z.world.mu.Lock()
	defer z.world.mu.Unlock()
	return z.err
}

// Entities appends all that is in sight to dst, sorted by id. An entity that has
// just gone from one cell to another is where it was seen last.
func (z *ZoneView) Entities(dst []Entity) []Entity {
	z.world.mu.Lock()
	defer z.world.mu.Unlock()
	from := len(dst)
	for _, c := range z.cells {
		dst = z.appendEntities(dst, c)
	}
	all := dst[from:]
	// The cell that is farther ahead comes first, and the others are dropped.
	slices.SortFunc(all, func(a, b Entity) int {
		if a.ID != b.ID {
			return cmp.Compare(a.ID, b.ID)
		}
		return cmp.Compare(z.tick(b.Cell), z.tick(a.Cell))
	})
	all = slices.CompactFunc(all, func(a, b Entity) bool { return a.ID == b.ID })
	return dst[:from+len(all)]
}

func (z *ZoneView) tick(cell uint32) uint32 { return z.cells[cell].decoder.Header().Tick }

func (z *ZoneView) appendEntities(dst []Entity, c *cell) []Entity {
	t, col := c.decoder.Table(), z.columns
	for i := range t.Len() {
		row := t.Row(i)
		value := func(column int) uint32 {
			if column < 0 {
				return 0
			}
			return row[column]
		}
		dst = append(dst, Entity{
			ID: t.ID(i),
			X:  float64(value(col.x)) / unit, Y: float64(value(col.y)) / unit,
			Heading: float64(value(col.heading)) * col.turn,
			HP:      value(col.hp), State: value(col.state), Cell: c.number,
		})
	}
	return dst
}

// Cells calls f for each cell in sight, by number: with the header of its latest
// frame, and with its table, which is the view's own. f must not call the view.
func (z *ZoneView) Cells(f func(cell uint32, h delta.Header, t *delta.Table)) {
	z.world.mu.Lock()
	defer z.world.mu.Unlock()
	for _, n := range slices.Sorted(maps.Keys(z.cells)) {
		d := z.cells[n].decoder
		f(n, d.Header(), d.Table())
	}
}
