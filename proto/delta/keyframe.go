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
	k := s.newKey()
	k.coder.startEncoding(dst)
	k.whole(s.table)
	dst = k.coder.finish()
	k.release()
	return binary.BigEndian.AppendUint32(dst, checksum(dst[at:])^s.table.hash(h.Tick))
}

// readKeyframe takes the state from a keyframe. Unless it returns nil only the
// table and the header are as before.
func (s *state) readKeyframe(h Header, body []byte, sum uint32) error {
	k := s.newKey()
	k.coder.startDecoding(body)
	ok := k.whole(s.next) && k.coder.exhausted() && s.schema.fits(s.next.values)
	k.release()
	if !ok {
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
	s.coder.forget()
	s.table, s.next = s.next, s.table
	s.lines, s.pasts = s.lines[:0], s.pasts[:0]
	for range s.table.ids {
		s.lines = s.appendLines(s.lines)
		s.pasts = append(s.pasts, past{})
	}
	clear(s.joined)
	s.moved = false
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
