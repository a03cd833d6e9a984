package delta

import "slices"

func sameIDs(a, b []uint32) bool { return slices.Equal(a, b) }

// encodeMembers codes a bit for each entity there was, whether it has left; the
// number of those that have joined; and of each of these the id and the values.
func (s *state) encodeMembers() {
	c, l := &s.coder, &s.schema.layout
	old, ids := s.table.ids, s.next.ids
	s.origin = s.origin[:0]
	joins := uint32(0)
	i := 0
	for _, id := range ids {
		for i < len(old) && old[i] < id {
			i++
		}
		if i < len(old) && old[i] == id {
			s.origin = append(s.origin, int32(i))
		} else {
			s.origin = append(s.origin, -1)
			joins++
		}
	}
	j := 0
	for _, id := range old {
		for j < len(ids) && ids[j] < id {
			j++
		}
		c.bit(l.leaves, b2u(j == len(ids) || ids[j] != id))
	}
	c.unsigned(l.joins, joins)
	last, first := uint32(0), true
	for i, from := range s.origin {
		if from < 0 {
			s.joinID(ids[i], last, first)
			s.join(s.next.Row(i))
			last, first = ids[i], false
		}
	}
	s.settle()
}

// joinID codes the id of one who joins, the lowest first.
func (s *state) joinID(id, last uint32, first bool) uint32 {
	if first {
		return s.coder.unsigned(s.schema.layout.id, id)
	}
	return s.coder.unsigned(s.schema.layout.id, id-last-1) + last + 1
}

// decodeMembers fills in the ids of next, and the rows of those that joined.
func (s *state) decodeMembers() bool {
	c, l := &s.coder, &s.schema.layout
	s.next.Reset()
	s.origin = s.origin[:0]
	kept := s.spareKept[:0]
	for i := range s.table.ids {
		if c.bit(l.leaves, 0) == 0 {
			kept = append(kept, int32(i))
		}
	}
	s.spareKept = kept
	joins := c.unsigned(l.joins, 0)
	if joins > uint32(MaxEntities-len(kept)) || c.overrun() {
		return false
	}
	last, first := uint32(0), true
	k := 0
	for range joins {
		id := s.joinID(0, last, first)
		if !first && id <= last || c.overrun() {
			return false
		}
		for ; k < len(kept) && s.table.ids[kept[k]] < id; k++ {
			s.keep(kept[k])
		}
		if k < len(kept) && s.table.ids[kept[k]] == id {
			return false
		}
		last, first = id, false
		s.next.ids = append(s.next.ids, id)
		s.origin = append(s.origin, -1)
		at := len(s.next.values)
		for range s.schema.fields {
			s.next.values = append(s.next.values, 0)
		}
		if !s.join(s.next.values[at:]) {
			return false
		}
	}
	for ; k < len(kept); k++ {
		s.keep(kept[k])
	}
	s.settle()
	return true
}

// keep takes a row over from table.
func (s *state) keep(i int32) {
	s.next.ids = append(s.next.ids, s.table.ids[i])
	s.next.values = append(s.next.values, s.table.Row(int(i))...)
	s.origin = append(s.origin, i)
}

// join codes the values of one who joins, by their differences to the last one
// who did.
func (s *state) join(row []uint32) bool {
	c, l := &s.coder, &s.schema.layout
	for f := range row {
		row[f] = uint32(c.signed(l.joined+f*numberModels, int32(row[f]-s.joined[f]))) + s.joined[f]
		if row[f] > s.schema.masks[f] {
			return false
		}
	}
	copy(s.joined, row)
	return true
}

// settle brings what is remembered of each entity to its new row.
func (s *state) settle() {
	np := len(s.schema.layout.positions)
	lines, pasts := s.spareLines[:0], s.sparePasts[:0]
	for _, from := range s.origin {
		if from >= 0 {
			lines = append(lines, s.lines[int(from)*np:int(from)*np+np]...)
			pasts = append(pasts, s.pasts[from])
			continue
		}
		lines = s.appendLines(lines)
		pasts = append(pasts, past{})
	}
	s.spareLines, s.lines = s.lines, lines
	s.sparePasts, s.pasts = s.pasts, pasts
}
