package delta

// attributes codes the fields that are not motion, and tells whether one has
// changed.
func (s *state) attributes(was, now []uint32, p *past) bool {
	c, l := &s.coder, &s.schema.layout
	if len(l.attrs) == 0 {
		return false
	}
	state := 0
	if l.state >= 0 {
		state = min(int(was[l.state]), states-1)
	}
	changed := uint32(0)
	for _, f := range l.attrs {
		changed |= was[f] ^ now[f]
	}
	if c.bit(l.attr+state*ages+ageClass(p.age), b2u(changed != 0)) == 0 {
		if p.age < maxAge {
			p.age++
		}
		if c.decoding {
			for _, f := range l.attrs {
				now[f] = was[f]
			}
		}
		return false
	}
	p.age = 0
	some := 0
	for i, f := range l.attrs {
		if c.bit(l.attrField+(i*2+some)*states+state, b2u(was[f] != now[f])) == 0 {
			now[f] = was[f]
			continue
		}
		some = 1
		s.attribute(i, f, was, now)
	}
	return true
}

// attribute codes the new value of one that has changed.
func (s *state) attribute(i, f int, was, now []uint32) {
	c, l := &s.coder, &s.schema.layout
	field := s.schema.fields[f]
	if field.Kind == Enumeration && field.Bits <= treeMax {
		m := l.attrTree + i<<(2*treeMax) + int(was[f])<<treeMax
		v := uint32(1)
		for b := int(field.Bits) - 1; b >= 0; b-- {
			v = v<<1 | c.bit(m+int(v), now[f]>>b&1)
		}
		now[f] = v & s.schema.masks[f]
		return
	}
	d := int32(now[f] - was[f])
	if field.Kind == Angle {
		bits := 32 - int(field.Bits)
		d = d << bits >> bits
	}
	now[f] = was[f] + uint32(c.signed(l.attrNumber+i*numberModels, d))
	if field.Kind == Angle {
		now[f] &= s.schema.masks[f]
	}
}

const maxAge = 255

// ageClass is exact for the first frames.
func ageClass(age int32) int {
	switch {
	case age < 22:
		return int(age)
	case age < 24:
		return 22
	case age < 28:
		return 23
	case age < 32:
		return 24
	case age < 40:
		return 25
	case age < 50:
		return 26
	case age < 70:
		return 27
	case age < 100:
		return 28
	case age < 160:
		return 29
	case age < maxAge:
		return 30
	}
	return 31
}
