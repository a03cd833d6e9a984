package delta

import "time"

// Header says where a frame belongs.
type Header struct {
	// Key: it was a keyframe.
	Key bool
	// Of the shard's ownership. Below 2^53.
	Epoch uint64
	// Of the frame, from 1 in each encoder.
	Seq uint64
	// Of the world.
	Tick uint32
	// When tick 0 was, to the millisecond.
	Start time.Time
	// Ticks per second.
	Hz int
}

// Time returns when the frame's tick was.
func (h Header) Time() time.Time {
	return time.UnixMilli(int64(h.millis()))
}

func (h Header) millis() uint64 {
	return uint64(h.Start.UnixMilli()) + uint64(h.Tick)*1000/uint64(max(h.Hz, 1))
}

const (
	version     = 1
	keyFlag     = 0x10
	epochMask   = 0x0f
	deltaHeader = 4
	maxHz       = 1000
	maxWhole    = 1<<53 - 1 // what a number in JavaScript holds
)

// A frame's first byte.
func first(key bool, epoch uint64) byte {
	b := byte(version<<5) | byte(epoch&epochMask)
	if key {
		b |= keyFlag
	}
	return b
}
