package delta

// key is the coder of a keyframe's body, with models of its own that begin anew
// in each.
type key struct {
	coder coder
	state *state
}

// zeros stand where there is no row before.
var zeros [MaxFields]uint32

func (s *state) newKey() *key {
	k, _ := s.schema.keys.Get().(*key)
	if k == nil {
		k = &key{coder: coder{models: make([]uint32, keyFields+len(s.schema.fields)*numberModels)}}
	}
	k.state = s
	return k
}

func (k *key) release() {
	keys := &k.state.schema.keys
	k.state, k.coder.buf = nil, nil
	keys.Put(k)
}

// Models of a keyframe.
const (
	keyCount   = 0
	keyID      = keyCount + numberModels
	keyLearnt  = keyID + numberModels // has a model learnt anything: by whether the one before has
	keyBits    = keyLearnt + 2        // countLimit less the bits that it has learnt from
	keyHigh    = keyBits + numberModels
	highBits   = 5 // of a probability, which have models; all others are as likely 0 as 1
	keyLine    = keyHigh + 1<<highBits
	lineModels = 10 * numberModels
	keyPast    = keyLine + lineModels
	pastModels = 3 * numberModels
	keyFields  = keyPast + pastModels // numbers, by field
)

// whole codes everything that the state consists of but the header.
func (k *key) whole(t *Table) bool {
	s, c := k.state, &k.coder
	c.forget()
	count := int(c.unsigned(keyCount, uint32(len(t.ids))))
	if count > MaxEntities {
		return false
	}
	if c.decoding {
		t.Reset()
		s.lines, s.pasts = s.lines[:0], s.pasts[:0]
	}
	w, np := len(s.schema.fields), len(s.schema.layout.positions)
	last, before := ^uint32(0), zeros[:w]
	for i := range count {
		if c.decoding {
			if c.overrun() {
				return false
			}
			t.ids = append(t.ids, 0)
			t.values = append(t.values, before...)
			s.lines = s.appendLines(s.lines)
			s.pasts = append(s.pasts, past{})
		}
		id := c.unsigned(keyID, t.ids[i]-last-1) + last + 1
		if i > 0 && id <= last {
			return false
		}
		t.ids[i], last = id, id
		row := t.values[i*w : i*w+w]
		k.row(before, row)
		before = row
		for j := range np {
			line := s.lines[i*np+j]
			if !k.line(&line) {
				return false
			}
			if c.decoding {
				s.lines[i*np+j] = line
			}
		}
		if !k.past(&s.pasts[i]) {
			return false
		}
	}
	k.row(zeros[:w], s.joined)
	s.moved = c.fixed(1<<15, b2u(s.moved)) != 0
	return s.schema.fits(s.joined) && k.models()
}

// row codes values by their differences to the row before.
func (k *key) row(before, row []uint32) {
	for f := range row {
		row[f] = before[f] + uint32(k.coder.signed(keyFields+f*numberModels, int32(row[f]-before[f])))
	}
}

// line codes a line. Points with the same remainder come back every b
// points: leaning points are told by how many of them there are, before and,
// where a line has forgotten its beginning, after.
func (k *key) line(l *line) bool {
	c, m := &k.coder, keyLine
	number := func(v int32) int32 {
		v = int32(c.unsigned(m, uint32(v)))
		m += numberModels
		return v
	}
	l.n = number(l.n)
	l.b = number(l.b-1) + 1
	l.a = number(l.a)
	l.rho = number(l.rho)
	l.c = c.signed(m, l.c)
	m += numberModels
	if l.n < 0 || l.n >= maxLine || l.b < 1 || l.b >= maxLine || l.a < 0 || l.a >= l.b || l.rho < 0 || l.rho >= l.b || abs(l.c) > 1<<MaxBits {
		return false
	}
	up, low := l.lean()
	for _, p := range [...]struct {
		latest      int32
		first, last *int32
	}{{up, &l.up0, &l.up1}, {low, &l.low0, &l.low1}} {
		after := number((p.latest - *p.last) / l.b)
		before := number((*p.last - *p.first) / l.b)
		most := p.latest / l.b
		if p.latest < 0 || after < 0 || after > most || before < 0 || before > most-after {
			return false
		}
		*p.last = p.latest - after*l.b
		*p.first = *p.last - before*l.b
	}
	if !l.needsVelocity() {
		l.vel = 0
		return true
	}
	l.vel = c.signed(m, l.vel)
	return abs(l.vel) <= maxVelocity<<6
}

func (k *key) past(p *past) bool {
	c, m := &k.coder, keyPast
	p.age = int32(c.unsigned(m, uint32(p.age)))
	p.habit = c.unsigned(m+numberModels, p.habit)
	p.turn = c.signed(m+2*numberModels, p.turn)
	p.astray = c.fixed(1<<15, b2u(p.astray)) != 0
	return p.age >= 0 && p.age <= maxAge && p.habit < habits && abs(p.turn) <= 128
}

// models codes for each model whether it has learnt anything, and what.
func (k *key) models() bool {
	c, models := &k.coder, k.state.coder.models
	learnt := uint32(0)
	for i, m := range models {
		if learnt = c.bit(keyLearnt+int(learnt), b2u(m != unknown)); learnt == 0 {
			models[i] = unknown
			continue
		}
		n := c.unsigned(keyBits, m&countLimit^countLimit) ^ countLimit
		if n > countLimit || c.overrun() {
			return false
		}
		p, high := m>>countBits, uint32(1)
		for b := probBits - 1; b >= probBits-highBits; b-- {
			high = high<<1 | c.bit(keyHigh+int(high), p>>b&1)
		}
		for b := probBits - 1 - highBits; b >= 0; b-- {
			high = high<<1 | c.fixed(1<<15, p>>b&1)
		}
		models[i] = (high&(1<<probBits-1))<<countBits | n
	}
	return true
}
