package delta

import (
	"bytes"
	"flag"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var seedFlag = flag.Uint64("delta.seed", 0, "repeat the property test with this seed")

// schemas are those that the property test tries, besides World.
var schemas = [][]Field{
	World.fields,
	{{"x", Position, 24}},
	{{"state", Enumeration, 1}},
	{{"facing", Angle, 3}, {"x", Position, 9}},
	{{"x", Position, 10}, {"y", Position, 11}, {"z", Position, 12}, {"yaw", Angle, 12}, {"pitch", Angle, 5}, {"mana", Level, 24}, {"kind", Enumeration, 9}},
	{{"yaw", Angle, 1}, {"x", Position, 1}, {"y", Position, 1}, {"hp", Level, 1}},
}

// mob is a table whose entities come, go, walk, jump and stand at random.
type mob struct {
	r       *rand.Rand
	schema  *Schema
	table   *Table
	ids     map[uint32][]uint32
	speeds  map[uint32][]int32
	nervous float64
	most    int
}

func newMob(r *rand.Rand, s *Schema) *mob {
	return &mob{r: r, schema: s, table: NewTable(s), ids: map[uint32][]uint32{}, speeds: map[uint32][]int32{}, nervous: r.Float64() * r.Float64(), most: 1 + r.IntN(40)}
}

func (m *mob) value(f int) uint32 { return m.r.Uint32() & m.schema.masks[f] }

func (m *mob) step() *Table {
	r, w := m.r, len(m.schema.fields)
	for r.Float64() < 0.1 {
		if id := r.Uint32(); len(m.ids) < m.most {
			if r.IntN(2) == 0 {
				id %= 100
			}
			row, v := make([]uint32, w), make([]int32, w)
			for f := range row {
				row[f], v[f] = m.value(f), int32(r.IntN(9))-4
			}
			m.ids[id], m.speeds[id] = row, v
		}
	}
	for id, row := range m.sorted() {
		if r.Float64() < 0.01 {
			delete(m.ids, id)
			continue
		}
		for f := range row {
			v := m.speeds[id]
			switch {
			case r.Float64() < m.nervous:
				row[f] = m.value(f)
			case r.Float64() < m.nervous:
				v[f] = int32(r.IntN(1+1<<r.IntN(12))) - 1<<r.IntN(8)
			case r.Float64() < m.nervous:
				row[f] += uint32(r.IntN(5)) - 2
			case m.schema.fields[f].Kind == Position:
				row[f] += uint32(v[f]) + uint32(r.IntN(2))
			}
			row[f] &= m.schema.masks[f]
		}
	}
	m.table.Reset()
	for id, row := range m.sorted() {
		m.table.Append(id, row...)
	}
	return m.table
}

// sorted goes through the rows by increasing id.
func (m *mob) sorted() iter.Seq2[uint32, []uint32] {
	return func(yield func(uint32, []uint32) bool) {
		for _, id := range slices.Sorted(maps.Keys(m.ids)) {
			if !yield(id, m.ids[id]) {
				return
			}
		}
	}
}

func TestFollowersAgree(t *testing.T) {
	seeds := []uint64{*seedFlag}
	if *seedFlag == 0 {
		seeds = seeds[:0]
		first := uint64(time.Now().UnixNano()) % 1_000_000
		for i := range uint64(20) {
			seeds = append(seeds, first+i+1)
		}
	}
	for _, seed := range seeds {
		followersAgree(t, seed)
		if t.Failed() {
			t.Fatalf("repeat with: go test ./proto/delta -run FollowersAgree -delta.seed=%d", seed)
		}
	}
}

// followersAgree has three decoders follow an encoder: one from the beginning,
// one that begins anew now and then, and one that only ever gets what another
// decoder has put together.
func followersAgree(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	schema := mustSchema(schemas[r.IntN(len(schemas))]...)
	e, err := NewEncoder(Config{Schema: schema, Epoch: r.Uint64() % maxWhole, Start: time.UnixMilli(r.Int64N(1 << 41)), Hz: 1 + r.IntN(maxHz)})
	if err != nil {
		t.Fatal(err)
	}
	m := newMob(r, schema)
	first, again, other := NewDecoder(schema), NewDecoder(schema), NewDecoder(schema)
	tick := r.Uint32() >> 8
	for n := range 400 {
		table := m.step()
		frame := e.Encode(nil, tick, table)
		tick += 1 + uint32(r.IntN(3)*r.IntN(3))
		if err := first.Decode(frame); err != nil {
			t.Errorf("seed %d, frame %d: %v", seed, n, err)
			return
		}
		if n == 0 || r.IntN(20) == 0 {
			again, other = NewDecoder(schema), NewDecoder(schema)
			if err := again.Decode(e.Keyframe(nil)); err != nil {
				t.Errorf("seed %d, keyframe %d: %v", seed, n, err)
				return
			}
			if !bytes.Equal(first.Keyframe(nil), e.Keyframe(nil)) {
				t.Errorf("seed %d, frame %d: another keyframe", seed, n)
				return
			}
			if err := other.Decode(again.Keyframe(nil)); err != nil {
				t.Errorf("seed %d, keyframe %d of a decoder: %v", seed, n, err)
				return
			}
		} else {
			for name, d := range map[string]*Decoder{"again": again, "other": other} {
				if err := d.Decode(frame); err != nil {
					t.Errorf("seed %d, frame %d, %s: %v", seed, n, name, err)
					return
				}
			}
		}
		for name, d := range map[string]*Decoder{"first": first, "again": again, "other": other} {
			if !d.Table().Equal(table) {
				t.Errorf("seed %d, frame %d, %s: another table", seed, n, name)
			}
			if got, want := d.Header(), e.Header(); got.Seq != want.Seq || got.Tick != want.Tick || got.Epoch != want.Epoch || !got.Start.Equal(want.Start) || got.Hz != want.Hz {
				t.Errorf("seed %d, frame %d, %s: header %+v, want %+v", seed, n, name, got, want)
			}
			if t.Failed() {
				return
			}
		}
	}
}
