package delta

import (
	"errors"
	"fmt"
	"slices"
)

// Table is the state of a world: a row of values for each entity, sorted by
// id. It is reused: Reset keeps its memory.
type Table struct {
	schema *Schema
	ids    []uint32
	values []uint32 // row by row
}

// NewTable returns an empty table.
func NewTable(s *Schema) *Table { return &Table{schema: s} }

// Schema returns what the rows consist of.
func (t *Table) Schema() *Schema { return t.schema }

// Reset removes all rows.
func (t *Table) Reset() {
	t.ids = t.ids[:0]
	t.values = t.values[:0]
}

// Append adds an entity with an id above all others, and one value for each
// field. It panics when the ids do not increase, when there are already
// MaxEntities, or when the number of values is not that of the fields: these are
// mistakes of the caller's code. Whether values fit into their fields' bits
// is looked at by Encoder.Encode.
func (t *Table) Append(id uint32, values ...uint32) {
	switch {
	case len(values) != len(t.schema.fields):
		panic(fmt.Sprintf("delta: %d values for %d fields", len(values), len(t.schema.fields)))
	case len(t.ids) == MaxEntities:
		panic("delta: too many entities in one table")
	case len(t.ids) > 0 && t.ids[len(t.ids)-1] >= id:
		panic(fmt.Sprintf("delta: entity %d after %d", id, t.ids[len(t.ids)-1]))
	}
	t.ids = append(t.ids, id)
	t.values = append(t.values, values...)
}

// Len returns the number of entities.
func (t *Table) Len() int { return len(t.ids) }

// ID returns the id of row i.
func (t *Table) ID(i int) uint32 { return t.ids[i] }

// Row returns the values of row i, which are the table's own.
func (t *Table) Row(i int) []uint32 {
	w := len(t.schema.fields)
	return t.values[i*w : (i+1)*w : (i+1)*w]
}

// Find returns the row of an entity.
func (t *Table) Find(id uint32) (i int, ok bool) { return slices.BinarySearch(t.ids, id) }

// Equal tells whether both tables have the same entities with the same values.
func (t *Table) Equal(other *Table) bool {
	return slices.Equal(t.ids, other.ids) && slices.Equal(t.values, other.values)
}

// CopyFrom makes t equal to other, which is of the same schema.
func (t *Table) CopyFrom(other *Table) {
	if t.schema.digest != other.schema.digest {
		panic(errors.New("delta: copy of a table of another schema"))
	}
	t.ids = append(t.ids[:0], other.ids...)
	t.values = append(t.values[:0], other.values...)
}

// Hash of a table's ids and values. Rows are summed with a multiplier for each
// field, so that only one step a row waits for the one before it.
func (t *Table) hash(tick uint32) uint32 {
	h := tick*hashTick + uint32(len(t.ids))
	w := len(t.schema.fields)
	values := t.values
	for _, id := range t.ids {
		row := id * hashID
		k := uint32(hashField)
		for _, v := range values[:w] {
			row += (v + 1) * k
			k = k*hashStep + 2
		}
		values = values[w:]
		row ^= row >> 15
		h = (h<<5 | h>>27) ^ row
		h *= hashRow
	}
	h ^= h >> 16
	h *= hashID
	return h ^ h>>13
}

const (
	hashTick  = 0x9E3779B1
	hashID    = 0x85EBCA6B
	hashField = 0xC2B2AE35
	hashStep  = 0x2C1B3C6D
	hashRow   = 0x297A2D39
)
