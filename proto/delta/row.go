package delta

// row codes how an entity's values change.
func (s *state) row(was, now []uint32, lines []line, p *past) {
	changed := s.attributes(was, now, p)
	c, l := &s.coder, &s.schema.layout
	if len(l.positions) == 0 {
		return
	}
	// Motion.
	open, youth, still := 0, 7, 1
	for k := range lines {
		ln := &lines[k]
		step, rho := ln.next()
		up, down := ln.open(rho)
		if up || down {
			open++
		}
		youth = min(youth, youthOf(ln.n))
		if step != 0 {
			still = 0
		}
	}
	usual := uint32(0)
	if !c.decoding && (l.heading < 0 || was[l.heading] == now[l.heading]) {
		usual = 1
		for k, f := range l.positions {
			if !lines[k].allows(int32(now[f] - was[f])) {
				usual = 0
				break
			}
		}
	}
	m := l.motion + (((int(p.motion&7)*8+youth)*3+min(open, 2))*2+still)*2 + int(b2u(changed))
	usual = c.bit(m, usual)
	if usual != 0 {
		for k, f := range l.positions {
			now[f] = was[f] + uint32(s.choose(&lines[k], int32(now[f]-was[f]), 0))
		}
		if l.heading >= 0 {
			now[l.heading] = was[l.heading]
		}
		p.turn = 0
		p.motion = p.motion<<1 | 1
		return
	}
	p.motion = p.motion << 1
	s.move(was, now, lines, p, still, changed)
}

func youthOf(n int32) int {
	switch {
	case n < 3:
		return int(n)
	case n < 5:
		return 3
	case n < 9:
		return 4
	case n < 17:
		return 5
	case n < 65:
		return 6
	}
	return 7
}

// choose codes which of the steps that the line allows is taken.
func (s *state) choose(ln *line, step int32, hint int) int32 {
	c, l := &s.coder, &s.schema.layout
	expected, rho := ln.next()
	up, down := ln.open(rho)
	if !up && !down {
		ln.follow(rho, 0)
		return expected
	}
	which := 2
	if !down {
		which = 0
	} else if !up {
		which = 1
	}
	m := l.choice + ((which*8+min(int(ln.n/ln.b), 7))*8+min(int(ln.b)-1, 7))*5
	deviation := step - expected
	if c.bit(m, b2u(deviation != 0)) == 0 {
		ln.follow(rho, 0)
		return expected
	}
	d := int32(1)
	if which == 1 || which == 2 && c.bit(m+1, b2u(deviation < 0)) != 0 {
		d = -1
	}
	ln.follow(rho, d)
	return expected + d
}

// move codes a move that no line led to expect.
func (s *state) move(was, now []uint32, lines []line, p *past, still int, changed bool) {
	c, l := &s.coder, &s.schema.layout
	turned := 2
	if h := l.heading; h >= 0 {
		mask := s.schema.masks[h]
		bits := 32 - int(s.schema.fields[h].Bits)
		d := int32((now[h]-was[h])<<bits) >> bits
		d = c.signed(l.turn+turnClass(p.turn)*numberModels, d)
		now[h] = (was[h] + uint32(d)) & mask
		p.turn = d
		turned = int(b2u(d != 0))
	}
	state := 0
	if l.state >= 0 {
		state = min(int(now[l.state]), states-1)
	}
	resting := uint32(1)
	for _, f := range l.positions {
		if was[f] != now[f] {
			resting = 0
		}
	}
	resting = c.bit(l.rest+(still*3+turned)*states+state, resting)
	for k, f := range l.positions {
		step := int32(0)
		if resting == 0 {
			expected, _ := lines[k].next()
			step = expected + c.signed(l.step+(turned*2+still)*numberModels, int32(now[f]-was[f])-expected)
		}
		now[f] = was[f] + uint32(step)
		lines[k].take(step)
	}
}

func turnClass(d int32) int {
	switch {
	case d >= -2 && d <= 2:
		return int(d) + 2
	case d < -8 || d > 8:
		return 7
	case d < 0:
		return 5
	}
	return 6
}

// allows tells whether step leads to a point of the line.
func (l *line) allows(step int32) bool {
	expected, rho := l.next()
	d := step - expected
	if d == 0 {
		return true
	}
	up, down := l.open(rho)
	return d == 1 && up || d == -1 && down
}

// take follows the line if step leads to a point of it, and bends it if not.
func (l *line) take(step int32) {
	if !l.allows(step) {
		l.bend(step)
		return
	}
	expected, rho := l.next()
	l.follow(rho, step-expected)
}
