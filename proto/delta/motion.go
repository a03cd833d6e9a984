package delta

// motion codes positions and heading. Most entities move on straight, or stand;
// that is one bit, which is worth next to nothing.
func (s *state) motion(was, now []uint32, lines []line, p *past, changed bool) {
	c, l := &s.coder, &s.schema.layout
	open, youth, rest := 0, int32(maxLine), 1
	forecasts := s.forecasts[:len(lines)]
	for k := range lines {
		line := &lines[k]
		forecasts[k] = line.forecast()
		if forecasts[k].open() {
			open++
		}
		if !line.rests() {
			rest = 0
		}
		youth = min(youth, line.n)
	}
	m := l.straight + (((int(p.habit)*classes+class(youth))*3+min(open, 2))*2+rest)*2 + int(b2u(changed))
	straight := c.bit(m, b2u(!c.decoding && s.isStraight(was, now)))
	p.habit = (p.habit<<1 | straight) & (habits - 1)
	if straight == 0 {
		s.move(was, now, lines, p, rest)
		return
	}
	p.turn = 0
	for k, f := range l.positions {
		line := &lines[k]
		step := forecasts[k].step
		if forecasts[k].open() {
			step = s.choose(line, &forecasts[k], int32(now[f]-was[f]))
		}
		line.follow(&forecasts[k], step-forecasts[k].step)
		if line.n <= trusted {
			line.smooth(line.vel, step, smoothing)
		}
		now[f] = was[f] + uint32(step)
	}
}

// isStraight tells whether all positions are on their lines and the heading is
// the same.
func (s *state) isStraight(was, now []uint32) bool {
	l := &s.schema.layout
	if l.heading >= 0 && was[l.heading] != now[l.heading] {
		return false
	}
	for k, f := range l.positions {
		if !s.forecasts[k].allows(int32(now[f] - was[f])) {
			return false
		}
	}
	return true
}

// choose codes which of the steps that the line is open to is taken.
func (s *state) choose(line *line, f *forecast, step int32) int32 {
	c, l := &s.coder, &s.schema.layout
	which, hint := 0, 2
	if f.down {
		which = 1
		if f.up {
			which = 2
		}
	}
	if line.n <= young {
		hint = hintClass(line.vel - f.step<<6)
	}
	periods := class(line.n / line.b)
	m := l.deviates + ((which*classes+periods)*classes+class(line.b))*hints + hint
	if c.bit(m, b2u(step != f.step)) == 0 {
		return f.step
	}
	if which == 2 {
		which = int(c.bit(l.deviatesTo+periods*hints+hint, b2u(step < f.step)))
	}
	if which == 0 {
		return f.step + 1
	}
	return f.step - 1
}

// move codes a move that the lines did not lead to expect: the turn; whether it
// ends in a stop; and how far the positions stray from where the velocity, turned,
// would have led.
func (s *state) move(was, now []uint32, lines []line, p *past, rest int) {
	c, l := &s.coder, &s.schema.layout
	state, turning := s.stateOf(now), 2
	if h := l.heading; h >= 0 {
		bits := int(s.schema.fields[h].Bits)
		m := l.turns + ((turnClass(p.turn)*2+rest)*states+state)*2
		turn := c.number(m, l.turn+turnSize(p.turn)*numberModels, wrapped(now[h]-was[h], bits))
		now[h] = (was[h] + uint32(turn)) & s.schema.masks[h]
		p.turn = in256(wrapped(uint32(turn), bits), bits)
		turning = int(b2u(turn != 0))
	}
	stop := uint32(1)
	for _, f := range l.positions {
		if was[f] != now[f] {
			stop = 0
		}
	}
	stop = c.bit(l.stops+(rest*3+turning)*states+state, stop)
	for k := range lines {
		if rest == 0 {
			s.velocities[k] = lines[k].velocity()
		} else {
			s.velocities[k] = lines[k].vel
		}
	}
	if stop == 0 {
		s.stray(was, now, lines, p, rest)
		return
	}
	for k, f := range l.positions {
		now[f] = was[f]
		line := &lines[k]
		line.vel = s.velocities[k]
		line.take(&s.forecasts[k], 0)
	}
}

// stray codes how far positions are from where the velocities lead.
func (s *state) stray(was, now []uint32, lines []line, p *past, rest int) {
	c, l := &s.coder, &s.schema.layout
	vs := s.velocities[:len(lines)]
	if h := l.heading; h >= 0 {
		vs[0], vs[1] = turned(vs[0], vs[1], p.turn, in256(int32(now[h]), int(s.schema.fields[h].Bits)))
	}
	// Of the first two positions the faster one comes first. If it strays far, the
	// direction may still be right: the other one is expected to stray likewise.
	swap := 0
	if len(vs) > 1 && abs(vs[1]) > abs(vs[0]) {
		swap = 1
	}
	size, far := turnSize(p.turn), 0
	for i := range vs {
		k := i
		if i < 2 {
			k ^= swap
		}
		f, v := l.positions[k], vs[k]+32
		expected, fraction := v>>6, int(v&63>>4)
		part := min(i, 1) + far
		m := l.strays + (((size*4+fraction)*2+rest)*3+part)*2
		astray := c.number(m, l.stray+(size/3*2+rest)*numberModels, int32(now[f]-was[f])-expected)
		step := expected + astray
		now[f] = was[f] + uint32(step)
		lines[k].take(&s.forecasts[k], step)
		if abs(astray) > 2 {
			far = 1
			if i == 0 && len(vs) > 1 && abs(vs[k]) > 64 && abs(step) < 512 {
				vs[1-k] = vs[1-k] * step * 64 / vs[k]
			}
		}
	}
	gain := int32(smoothing)
	if far != 0 {
		gain = 16
		if p.turn == 0 && !p.astray {
			gain = 0 // once: a step may have been cut short
		}
	}
	p.astray = far != 0
	for k, f := range l.positions {
		if lines[k].needsVelocity() {
			lines[k].smooth(vs[k], int32(now[f]-was[f]), gain)
		}
	}
}

func abs(v int32) int32 { return max(v, -v) }
