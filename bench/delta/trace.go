package delta

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/holdfast-game/holdfast/proto/delta"
)

// Columns of a trace, in the order in which they are written.
var columns = []string{"tick", "entity", "x", "y", "heading", "hp", "state"}

// Entity is one line of a trace.
type Entity struct {
	ID uint32
	// X and Y in 1/100 unit, heading in 1/256 turn, hit points up to 1023, state up
	// to 7.
	X, Y, Heading, HP, State uint32
}

// Tick is what there was at one moment, by increasing id.
type Tick struct {
	Tick     uint32
	Entities []Entity
}

// Trace is a world over time.
type Trace []Tick

// add puts an entity into its tick. Ticks come in order.
func (t *Trace) add(tick uint32, e Entity) error {
	n := len(*t)
	switch {
	case n == 0 || (*t)[n-1].Tick < tick:
		*t = append(*t, Tick{Tick: tick})
		n++
	case (*t)[n-1].Tick > tick:
		return fmt.Errorf("tick %d after tick %d", tick, (*t)[n-1].Tick)
	}
	last := &(*t)[n-1]
	at, there := slices.BinarySearchFunc(last.Entities, e.ID, func(e Entity, id uint32) int { return int(e.ID) - int(id) })
	switch {
	case there:
		return fmt.Errorf("entity %d twice in tick %d", e.ID, tick)
	case len(last.Entities) == delta.MaxEntities:
		return fmt.Errorf("more than %d entities in tick %d", delta.MaxEntities, tick)
	}
	last.Entities = slices.Insert(last.Entities, at, e)
	return nil
}

// schema is that of the world, with more bits for positions that need them.
func (t Trace) schema() (*delta.Schema, error) {
	all := uint32(0)
	for _, tick := range t {
		for _, e := range tick.Entities {
			all |= e.X | e.Y
		}
	}
	fields := delta.World.Fields()
	for i := range fields {
		if fields[i].Kind == delta.Position {
			fields[i].Bits = max(fields[i].Bits, uint8(bits.Len32(all)))
		}
	}
	s, err := delta.NewSchema(fields...)
	if err != nil {
		return nil, fmt.Errorf("make schema of trace: %w", err)
	}
	return s, nil
}

// tables are the trace as the codec takes it.
func (t Trace) tables(s *delta.Schema) []*delta.Table {
	tables := make([]*delta.Table, len(t))
	for i, tick := range t {
		tables[i] = delta.NewTable(s)
		for _, e := range tick.Entities {
			tables[i].Append(e.ID, e.X, e.Y, e.Heading, e.HP, e.State)
		}
	}
	return tables
}
