package delta

import (
	"fmt"
	"slices"
	"sync"
)

// Limits of a Schema and a Table.
const (
	MaxFields   = 16
	MaxBits     = 24
	MaxEntities = 4096
)

// Kind says how a field behaves, and so how it is predicted. The numbers are
// those of client.v1.FieldKind.
type Kind uint8

const (
	// Position moves on as it has moved.
	Position Kind = 1
	// Angle wraps around: 2^Bits are a full turn. The first one is taken to be the
	// direction in which the first two positions move, counted from the first
	// towards the second; frames are larger where it is not, but never wrong.
	Angle Kind = 2
	// Level is an amount that changes now and then.
	Level Kind = 3
	// Enumeration is one of a few values.
	Enumeration Kind = 4
)

// Field is one column of a Table. Values are below 2^Bits.
type Field struct {
	Name string
	Kind Kind
	Bits uint8
}

// Schema says what the fields of an entity are. It is immutable, and safe for concurrent use.
type Schema struct {
	fields []Field
	masks  []uint32
	digest uint32
	layout layout
	keys   sync.Pool // of *key, shared by all that have this schema
}

// World is the schema of every zone: positions in 1/100 unit, the heading in
// 1/256 turn, hit points from 0 to 1000, and what the entity is doing.
var World = mustSchema(
	Field{"x", Position, 20},
	Field{"y", Position, 20},
	Field{"heading", Angle, 8},
	Field{"hp", Level, 10},
	Field{"state", Enumeration, 3},
)

// NewSchema checks the fields, of which there are 1 to MaxFields.
func NewSchema(fields ...Field) (*Schema, error) {
	if len(fields) == 0 || len(fields) > MaxFields {
		return nil, fmt.Errorf("check schema: %d fields, not 1 to %d", len(fields), MaxFields)
	}
	s := &Schema{fields: slices.Clone(fields), masks: make([]uint32, len(fields))}
	for i, f := range fields {
		switch {
		case f.Name == "" || len(f.Name) > 64:
			return nil, fmt.Errorf("check schema: field %d: a name has 1 to 64 bytes", i)
		case f.Kind < Position || f.Kind > Enumeration:
			return nil, fmt.Errorf("check schema: field %s: no kind %d", f.Name, f.Kind)
		case f.Bits == 0 || f.Bits > MaxBits:
			return nil, fmt.Errorf("check schema: field %s: %d bits, not 1 to %d", f.Name, f.Bits, MaxBits)
		case slices.ContainsFunc(fields[:i], func(g Field) bool { return g.Name == f.Name }):
			return nil, fmt.Errorf("check schema: two fields %s", f.Name)
		}
		s.masks[i] = 1<<f.Bits - 1
	}
	s.digest = digest(fields)
	s.layout = newLayout(fields)
	return s, nil
}

func mustSchema(fields ...Field) *Schema {
	s, err := NewSchema(fields...)
	if err != nil {
		panic(err)
	}
	return s
}

// Fields returns a copy of the fields.
func (s *Schema) Fields() []Field { return slices.Clone(s.fields) }

// fits tells whether the values of all rows are below 2^Bits.
func (s *Schema) fits(values []uint32) bool {
	width := len(s.fields)
	for f, mask := range s.masks {
		all := uint32(0)
		for i := f; i < len(values); i += width {
			all |= values[i]
		}
		if all > mask {
			return false
		}
	}
	return true
}

// cut cuts values to their fields' bits.
func (s *Schema) cut(values []uint32) {
	width := len(s.masks)
	for f, mask := range s.masks {
		for i := f; i < len(values); i += width {
			values[i] &= mask
		}
	}
}

// digest is FNV-1a over the fields: kind, bits, length of the name, name.
func digest(fields []Field) uint32 {
	h := uint32(2166136261)
	add := func(b byte) { h = (h ^ uint32(b)) * 16777619 }
	for _, f := range fields {
		add(byte(f.Kind))
		add(f.Bits)
		add(byte(len(f.Name)))
		for i := range len(f.Name) {
			add(f.Name[i])
		}
	}
	return h
}
