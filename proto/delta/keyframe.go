package delta

import (
	"encoding/binary"
	"time"
)

// keyframe appends the whole state.
func (s *state) keyframe(dst []byte) []byte {
	at := len(dst)
	h := s.header
	dst = append(dst, first(true, h.Epoch))
	dst = binary.BigEndian.AppendUint32(dst, s.schema.digest)
	for _, v := range [...]uint64{h.Epoch, h.Seq, uint64(h.Tick), uint64(h.Start.UnixMilli()), uint64(h.Hz)} {
		dst = binary.AppendUvarint(dst, v)
	}
	s.key.startEncoding(dst)
	s.whole(s.table)
	dst = s.key.finish()
	return binary.BigEndian.AppendUint32(dst, checksum(dst[at:])^s.table.hash(h.Tick))
}

// readKeyframe takes the state from a keyframe. Unless it returns nil only the
// table and the header are as before.
func (s *state) readKeyframe(h Header, body []byte, sum uint32) error {
	s.key.startDecoding(body)
	if !s.whole(s.next) || !s.key.exhausted() || !s.schema.fits(s.next.values) {
		return ErrMalformed
	}
	if s.next.hash(h.Tick) != sum {
		return ErrHash
	}
	s.table, s.next = s.next, s.table
	s.header = h
	return nil
}

// readHeader splits a keyframe into its header and what follows.
func (s *state) readHeader(frame []byte) (h Header, rest []byte, err error) {
	if len(frame) < 1+4 {
		return h, nil, ErrMalformed
	}
	if binary.BigEndian.Uint32(frame[1:]) != s.schema.digest {
		return h, nil, ErrVersion
	}
	rest = frame[5:]
	var v [5]uint64
	for i := range v {
		value, n := binary.Uvarint(rest)
		if n <= 0 || value > maxWhole {
			return h, nil, ErrMalformed
		}
		v[i], rest = value, rest[n:]
	}
	if v[1] == 0 || v[2] > 1<<32-1 || v[3] > maxWhole/2 || v[4] < 1 || v[4] > maxHz || byte(v[0])&epochMask != frame[0]&epochMask {
		return h, nil, ErrMalformed
	}
	return Header{Key: true, Epoch: v[0], Seq: v[1], Tick: uint32(v[2]), Start: time.UnixMilli(int64(v[3])), Hz: int(v[4])}, rest, nil
}

// begin takes next for the table, and knows nothing else.
func (s *state) begin() {
	for i := range s.models {
		s.models[i] = unknown
	}
	s.table, s.next = s.next, s.table
	s.lines, s.pasts = s.lines[:0], s.pasts[:0]
	for range s.table.ids {
		s.lines = s.appendLines(s.lines)
		s.pasts = append(s.pasts, past{})
	}
	clear(s.joined)
	s.moved = false
}

// Models of keyframes, which begin anew in each.
const (
	keyCount   = 0
	keyID      = keyCount + numberModels
	keyModel   = keyID + numberModels
	keyLearnt  = keyModel + 2
	keyHigh    = keyLearnt + numberModels
	highBits   = 5
	keyHistory = keyHigh + 1<<highBits
	keyNumbers = 5 + 9
	keyFields  = keyHistory + keyNumbers*numberModels
)

// whole codes everything that the state consists of but the header.
func (s *state) whole(t *Table) bool {
	c := &s.key
	for i := range c.models {
		c.models[i] = unknown
	}
	count := int(c.unsigned(keyCount, uint32(len(t.ids))))
	if count > MaxEntities {
		return false
	}
	if c.decoding {
		t.Reset()
		s.lines, s.pasts = s.lines[:0], s.pasts[:0]
	}
	w, np := len(s.schema.fields), len(s.schema.layout.positions)
	last, before := ^uint32(0), s.zeros
	for i := range count {
		if c.decoding {
			if c.overrun() {
				return false
			}
			t.ids = append(t.ids, 0)
			t.values = append(t.values, s.zeros...)
			s.lines = s.appendLines(s.lines)
			s.pasts = append(s.pasts, past{})
		}
		id := c.unsigned(keyID, t.ids[i]-last-1) + last + 1
		if i > 0 && id <= last {
			return false
		}
		t.ids[i], last = id, id
		row := t.values[i*w : i*w+w]
		s.wholeRow(before, row)
		before = row
		for k := range np {
			if !s.wholeLine(&s.lines[i*np+k]) {
				return false
			}
		}
		if !s.wholePast(&s.pasts[i]) {
			return false
		}
	}
	s.wholeRow(s.zeros, s.joined)
	s.moved = c.fixed(1<<15, b2u(s.moved)) != 0
	return s.wholeModels()
}

func (s *state) wholeRow(before, row []uint32) {
	for f := range row {
		row[f] = before[f] + uint32(s.key.signed(keyFields+f*numberModels, int32(row[f]-before[f])))
	}
}

func (s *state) wholeLine(l *line) bool {
	for i, v := range [...]*int32{&l.c, &l.b, &l.a, &l.rho, &l.n, &l.up0, &l.up1, &l.low0, &l.low1} {
		*v = s.key.signed(keyHistory+i*numberModels, *v)
	}
	return l.valid()
}

func (s *state) wholePast(p *past) bool {
	p.motion &= 7
	motion := int32(p.motion)
	for i, v := range [...]*int32{&p.age, &motion, &p.turn, &p.speed} {
		*v = s.key.signed(keyHistory+(9+i)*numberModels, *v)
	}
	p.motion = uint32(motion)
	return true
}

// wholeModels codes for each model whether it has learnt anything, and what.
func (s *state) wholeModels() bool {
	c := &s.key
	before := 0
	for i, m := range s.models {
		learnt := c.bit(keyModel+before, b2u(m != unknown))
		before = int(learnt)
		if learnt == 0 {
			s.models[i] = unknown
			continue
		}
		n := c.unsigned(keyLearnt, m&(1<<countBits-1)^countLimit) ^ countLimit
		if n > countLimit || c.overrun() {
			return false
		}
		p, high := m>>countBits, uint32(1)
		for b := 21; b > 21-highBits; b-- {
			high = high<<1 | c.bit(keyHigh+int(high), p>>b&1)
		}
		for b := 21 - highBits; b >= 0; b-- {
			high = high<<1 | c.fixed(1<<15, p>>b&1)
		}
		s.models[i] = (high&(1<<22-1))<<countBits | n
	}
	return true
}

func (s *state) appendLines(lines []line) []line {
	for range s.schema.layout.positions {
		lines = append(lines, line{b: 1})
	}
	return lines
}

// checksum is FNV-1a.
func checksum(b []byte) uint32 {
	h := uint32(2166136261)
	for _, x := range b {
		h = (h ^ uint32(x)) * 16777619
	}
	return h
}
