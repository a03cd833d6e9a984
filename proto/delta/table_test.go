package delta

import "testing"

func TestTable(t *testing.T) {
	s := mustSchema(Field{"x", Position, 8}, Field{"y", Position, 8})
	table := NewTable(s)
	for id := uint32(0); id < 20; id += 2 {
		table.Append(id, id, id+1)
	}
	if i, ok := table.Find(6); !ok || table.ID(i) != 6 || table.Row(i)[1] != 7 {
		t.Errorf("6 is at %d: %t, %v", i, ok, table.Row(i))
	}
	if i, ok := table.Find(7); ok || i != 4 {
		t.Errorf("7 is at %d: %t", i, ok)
	}
	other := NewTable(s)
	other.CopyFrom(table)
	if !other.Equal(table) || other.hash(1) != table.hash(1) || other.hash(1) == table.hash(2) {
		t.Error("a copy is another table")
	}
	other.Row(3)[0]++
	if other.Equal(table) || other.hash(1) == table.hash(1) {
		t.Error("a change is not seen")
	}
	table.Reset()
	if table.Len() != 0 || table.Schema() != s {
		t.Errorf("%d rows are left", table.Len())
	}
}

// The hash sees which entity, field and row a value belongs to.
func TestHashSeesPlaces(t *testing.T) {
	s := mustSchema(Field{"x", Position, 8}, Field{"y", Position, 8})
	seen := map[uint32]int{}
	for i, rows := range [][][3]uint32{
		{}, {{0, 0, 0}}, {{1, 0, 0}}, {{1, 1, 0}}, {{1, 0, 1}}, {{1, 1, 0}, {2, 0, 0}}, {{1, 0, 0}, {2, 1, 0}}, {{1, 1, 0}, {3, 0, 0}}, {{0, 0, 0}, {1, 0, 0}},
	} {
		table := NewTable(s)
		for _, r := range rows {
			table.Append(r[0], r[1], r[2])
		}
		h := table.hash(7) >> 16
		if j, there := seen[h]; there {
			t.Errorf("tables %d and %d have the same hash", i, j)
		}
		seen[h] = i
	}
}

func TestMistakesPanic(t *testing.T) {
	small := mustSchema(Field{"x", Position, 8})
	for name, mistake := range map[string]func(*Table){
		"too few values":  func(t *Table) { t.Append(9) },
		"too many values": func(t *Table) { t.Append(9, 1, 2) },
		"same id":         func(t *Table) { t.Append(5, 1) },
		"lower id":        func(t *Table) { t.Append(4, 1) },
		"too many": func(t *Table) {
			for id := range uint32(MaxEntities) {
				t.Append(6+id, 1)
			}
		},
		"another schema": func(t *Table) { t.CopyFrom(NewTable(World)) },
		"another schema, encoded": func(table *Table) {
			newTestEncoder(t).Encode(nil, 1, table)
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			table := NewTable(small)
			table.Append(5, 1)
			mistake(table)
		}()
	}
}
