package delta

// state is what an encoder and all decoders that follow it have in common after
// each frame.
type state struct {
	schema *Schema
	header Header
	coder  coder

	table, next *Table   // as of the last frame, and of the one at hand
	lines       []line   // row by row, one for each position
	pasts       []past   // row by row
	joined      []uint32 // values of the last one who joined
	moved       bool     // members have changed in the last frame

	// Of the entity at hand, by position.
	forecasts  [MaxFields]forecast
	velocities [MaxFields]int32

	origin     []int32 // of each row of next: the row of table, or -1
	spareKept  []int32
	spareLines []line
	sparePasts []past
}

func newState(s *Schema) state {
	st := state{schema: s, table: NewTable(s), next: NewTable(s), joined: make([]uint32, len(s.fields))}
	st.coder.models = make([]uint32, s.layout.models)
	return st
}

// frame codes what leads from table to next, or decodes next. It tells whether
// there can be such a frame.
func (s *state) frame(tick uint32) (uint32, bool) {
	c, l := &s.coder, &s.schema.layout
	tick = c.unsigned(l.tick, tick-s.header.Tick-1) + s.header.Tick + 1
	if !s.members() {
		return 0, false
	}
	w, np := len(s.schema.fields), len(l.positions)
	for i := range s.next.ids {
		from := i
		if s.moved {
			from = int(s.origin[i])
			if from < 0 {
				continue
			}
		}
		was, now, p := s.table.values[from*w:from*w+w], s.next.values[i*w:i*w+w], &s.pasts[i]
		changed := len(l.attrs) > 0 && s.attributes(was, now, p)
		if np > 0 {
			s.motion(was, now, s.lines[i*np:i*np+np], p, changed)
		}
	}
	if c.decoding && (!c.exhausted() || !s.schema.fits(s.next.values)) {
		return 0, false
	}
	s.table, s.next = s.next, s.table
	return tick, true
}

// members codes who has left and who has joined, and with what values.
func (s *state) members() bool {
	c, l := &s.coder, &s.schema.layout
	changed := c.bit(l.members+int(b2u(s.moved)), b2u(!c.decoding && !sameIDs(s.table.ids, s.next.ids)))
	s.moved = changed != 0
	if !s.moved {
		if c.decoding {
			s.next.ids = append(s.next.ids[:0], s.table.ids...)
			s.next.values = append(s.next.values[:0], s.table.values...)
		}
		return true
	}
	if c.decoding {
		return s.decodeMembers()
	}
	s.encodeMembers()
	return true
}
