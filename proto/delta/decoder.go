package delta

import (
	"encoding/binary"
	"errors"
)

// Decoder follows the frames of one encoder, or of several if each later one has
// a newer epoch or begins later. It is not safe for concurrent use.
type Decoder struct {
	state state
	lost  bool // needs a keyframe
}

// NewDecoder returns a decoder with an empty table that needs a keyframe.
func NewDecoder(s *Schema) *Decoder {
	return &Decoder{state: newState(s), lost: true}
}

// Table returns the state after the last good frame. It is the decoder's own,
// and good until the next call of Decode.
func (d *Decoder) Table() *Table { return d.state.table }

// Header returns that of the last good frame.
func (d *Decoder) Header() Header { return d.state.header }

// Keyframe appends the keyframe that the encoder would make as of the last
// frame: the same bytes. While the decoder itself needs one, dst is returned
// as it is.
func (d *Decoder) Keyframe(dst []byte) []byte {
	if d.lost {
		return dst
	}
	return d.state.keyframe(dst)
}

// Decode takes the next frame. It returns one of this package's errors; after
// each of them but ErrStale the decoder needs a keyframe.
func (d *Decoder) Decode(frame []byte) error {
	err := d.decode(frame)
	if err != nil && !errors.Is(err, ErrStale) {
		d.lost = true
	}
	return err
}

func (d *Decoder) decode(frame []byte) error {
	if len(frame) < deltaHeader {
		return ErrMalformed
	}
	if frame[0]>>5 != version {
		return ErrVersion
	}
	if frame[0]&keyFlag != 0 {
		return d.key(frame)
	}
	return d.delta(frame)
}

func (d *Decoder) delta(frame []byte) error {
	s := &d.state
	if d.lost {
		return ErrNoKey
	}
	switch newer := (frame[0] - byte(s.header.Epoch)) & epochMask; {
	case newer > epochMask/2:
		return ErrStale
	case newer > 0:
		return ErrGap
	}
	switch ahead := frame[1] - byte(s.header.Seq); {
	case ahead == 0 || ahead >= 128:
		return ErrStale
	case ahead > 1:
		return ErrGap
	}
	s.coder.startDecoding(frame[deltaHeader:])
	tick, ok := s.frame(0)
	if !ok {
		return ErrMalformed
	}
	// From here on s.next is the last good table.
	if h := s.table.hash(tick); frame[2] != byte(h>>24) || frame[3] != byte(h>>16) {
		s.table, s.next = s.next, s.table
		return ErrHash
	}
	s.header.Tick = tick
	s.header.Seq++
	s.header.Key = false
	return nil
}

func (d *Decoder) key(frame []byte) error {
	s := &d.state
	h, rest, err := s.readHeader(frame)
	if err != nil {
		return err
	}
	if d.stale(h) {
		return ErrStale
	}
	if len(rest) < 4 {
		return ErrMalformed
	}
	end := len(frame) - 4
	sum := binary.BigEndian.Uint32(frame[end:]) ^ checksum(frame[:end])
	if err := s.readKeyframe(h, rest[:len(rest)-4], sum); err != nil {
		return err
	}
	d.lost = false
	return nil
}

// stale tells whether a keyframe is of an older epoch, or, unless one is needed,
// not newer than the last frame. Encoders of one epoch are told apart by the
// time of their ticks.
func (d *Decoder) stale(h Header) bool {
	had := d.state.header
	switch {
	case h.Epoch != had.Epoch:
		return h.Epoch < had.Epoch
	case d.lost:
		return false
	case h.Start.Equal(had.Start):
		return h.Seq <= had.Seq
	}
	return h.millis() <= had.millis()
}
