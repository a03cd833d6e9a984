package delta

import (
	"errors"
	"fmt"
	"time"
)

// Config of an Encoder.
type Config struct {
	// What tables consist of.
	Schema *Schema
	// Of the shard's ownership; a decoder lets no older one replace a newer one.
	// Below 2^53.
	Epoch uint64
	// When tick 0 is, to the millisecond, not before 1970.
	Start time.Time
	// Ticks per second, 1 to 1,000.
	Hz int
}

// Validate rejects what cannot work.
func (c Config) Validate() error {
	switch {
	case c.Schema == nil:
		return errors.New("Schema is missing")
	case c.Epoch > maxWhole:
		return fmt.Errorf("Epoch %d is not below 2^53", c.Epoch)
	case c.Start.UnixMilli() < 0 || c.Start.UnixMilli() > maxWhole/2:
		return fmt.Errorf("Start %s is not between 1970 and 100000", c.Start)
	case c.Hz < 1 || c.Hz > maxHz:
		return fmt.Errorf("Hz %d is not between 1 and %d", c.Hz, maxHz)
	}
	return nil
}

// Encoder makes the frames of one stream. It is not safe for concurrent use.
type Encoder struct {
	state state
	begun bool
}

// NewEncoder returns an encoder whose first frame will be a keyframe.
func NewEncoder(cfg Config) (*Encoder, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("check delta encoder: %w", err)
	}
	e := &Encoder{state: newState(cfg.Schema)}
	e.state.header = Header{Epoch: cfg.Epoch, Start: time.UnixMilli(cfg.Start.UnixMilli()), Hz: cfg.Hz}
	return e, nil
}

// Encode appends the frame that leads from the last table to t, at a tick above
// the last one. The table is not kept. Values and headings that do not fit
// into their fields' bits are cut to them; a table of another schema panics.
func (e *Encoder) Encode(dst []byte, tick uint32, t *Table) []byte {
	s := &e.state
	if t.schema.digest != s.schema.digest {
		panic("delta: table of another schema")
	}
	s.next.CopyFrom(t)
	s.schema.cut(s.next.values)
	s.header.Seq++
	if !e.begun {
		e.begun = true
		s.header.Tick = tick
		s.begin()
		s.header.Key = true
		return s.keyframe(dst)
	}
	at := len(dst)
	dst = append(dst, first(false, s.header.Epoch), byte(s.header.Seq), 0, 0)
	s.coder.startEncoding(dst)
	s.frame(tick)
	dst = s.coder.finish()
	s.header.Tick = tick
	s.header.Key = false
	h := s.table.hash(tick)
	dst[at+2], dst[at+3] = byte(h>>24), byte(h>>16)
	return dst
}

// Keyframe appends a frame with all that a decoder needs to follow the frames
// that come next. Before the first Encode there is none: dst is returned as it
// is.
func (e *Encoder) Keyframe(dst []byte) []byte {
	if !e.begun {
		return dst
	}
	return e.state.keyframe(dst)
}

// Header returns that of the last frame.
func (e *Encoder) Header() Header { return e.state.header }
