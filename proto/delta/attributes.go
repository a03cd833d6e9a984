package delta

// attributes codes the fields that are neither positions nor the heading, and
// tells whether one has changed.
func (s *state) attributes(was, now []uint32, p *past) bool {
	c, l := &s.coder, &s.schema.layout
	changed := uint32(0)
	for _, f := range l.attrs {
		changed |= was[f] ^ now[f]
	}
	state := s.stateOf(was)
	if c.bit(l.attr+state*ages+ageClass(p.age), b2u(changed != 0)) == 0 {
		p.age = min(p.age+1, maxAge)
		return false
	}
	p.age = 0
	some := 0
	for i, f := range l.attrs {
		if c.bit(l.attrChanged+(i*2+some)*states+state, b2u(was[f] != now[f])) != 0 {
			now[f] = s.attribute(i, f, was[f], now[f])
			some = 1
		}
	}
	return true
}

// attribute codes the value of one that has changed.
func (s *state) attribute(i, f int, was, now uint32) uint32 {
	c, l := &s.coder, &s.schema.layout
	field := &s.schema.fields[f]
	bits := int(field.Bits)
	if field.Kind == Enumeration && bits <= treeMax {
		m := l.attrTree + i<<(2*treeMax) + int(was)<<treeMax
		v := uint32(1)
		for b := bits - 1; b >= 0; b-- {
			v = v<<1 | c.bit(m+int(v), now>>b&1)
		}
		return v & s.schema.masks[f]
	}
	m := l.attrNumber + i*numberModels
	if field.Kind == Angle {
		return (was + uint32(c.signed(m, wrapped(now-was, bits)))) & s.schema.masks[f]
	}
	return was + uint32(c.signed(m, int32(now-was)))
}

// stateOf is the first enumeration's value, as models are chosen by it.
func (s *state) stateOf(row []uint32) int {
	if f := s.schema.layout.state; f >= 0 {
		return int(min(row[f], states-1))
	}
	return 0
}

// wrapped is a difference of two angles, from -2^(bits-1).
func wrapped(difference uint32, bits int) int32 {
	return int32(difference<<(32-bits)) >> (32 - bits)
}
