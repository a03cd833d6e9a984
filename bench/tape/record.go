package tape

import (
	"encoding/binary"
	"errors"
	"time"
)

// Kind says what happened.
type Kind uint8

// The numbers are those of the format.
const (
	// Opened: a player's connection was greeted, or was open already when the tape
	// began.
	Opened Kind = iota + 1
	// Closed: the connection ended. What is open at the tape's end was not closed.
	Closed
	// Received: a ClientFrame came from the client.
	Received
	// Sent: a ServerFrame went to the client.
	Sent
	// Shown: a ServerFrame of the world went to all viewers of a stream.
	Shown
	// Dropped: here, records were lost.
	Dropped
)

func (k Kind) String() string {
	if k >= Opened && k <= Dropped {
		return [...]string{"opened", "closed", "received", "sent", "shown", "dropped"}[k-1]
	}
	return "unknown"
}

// Record is one thing that happened at a gateway.
type Record struct {
	// At is the time since the tape's start.
	At   time.Duration
	Kind Kind
	// Conn numbers connections. 0 in Shown and Dropped.
	Conn uint64
	// Player is who opened the connection, in Opened. Hashed, if Info says so.
	Player string
	// Frame is a ClientFrame in Received and a ServerFrame in Sent and Shown,
	// encoded, without what must not be kept.
	Frame []byte
	// Size is that of the message which carried the frame, in bytes, before
	// anything was taken out of it.
	Size int
	// Stream is the gateway's number for what was shown, and Viewers how many it
	// was shown to, in Shown.
	Stream  uint32
	Viewers int
	// Lost is how many records were lost, in Dropped.
	Lost uint64
}

// MaxFrame is the most that a frame, or a player's name, may have in bytes. It
// bounds what a reader must be ready to hold.
const MaxFrame = 4 << 20

// maxHead is more than all of a record but its frame can take.
const maxHead = 1 + 5*binary.MaxVarintLen64

var errBadRecord = errors.New("a record cannot be read")

// appendRecord encodes r, whose time is dt after the one before it.
func appendRecord(dst []byte, r *Record, dt time.Duration) []byte {
	dst = append(dst, byte(r.Kind))
	dst = binary.AppendUvarint(dst, uint64(dt))
	switch r.Kind {
	case Opened:
		dst = binary.AppendUvarint(dst, r.Conn)
		dst = binary.AppendUvarint(dst, uint64(len(r.Player)))
		return append(dst, r.Player...)
	case Closed:
		return binary.AppendUvarint(dst, r.Conn)
	case Dropped:
		return binary.AppendUvarint(dst, r.Lost)
	case Shown:
		dst = binary.AppendUvarint(dst, uint64(r.Stream))
		dst = binary.AppendUvarint(dst, uint64(r.Viewers))
	default:
		dst = binary.AppendUvarint(dst, r.Conn)
	}
	dst = binary.AppendUvarint(dst, uint64(r.Size))
	dst = binary.AppendUvarint(dst, uint64(len(r.Frame)))
	return append(dst, r.Frame...)
}

// cursor reads from the front of b. After bad it reads zeros.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 || v > limit {
		c.b, c.bad = nil, true
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cursor) bytes() []byte {
	n := c.uvarint(MaxFrame)
	if n > uint64(len(c.b)) {
		c.b, c.bad = nil, true
		return nil
	}
	b := c.b[:n:n]
	c.b = c.b[n:]
	return b
}

const (
	maxInt    = 1<<63 - 1
	maxUint32 = 1<<32 - 1
)

// decodeRecord reads the record at the front of b into r, and returns what comes
// behind it and how much later than the one before it r is. The frame is that in
// b.
func decodeRecord(b []byte, r *Record) (rest []byte, dt time.Duration, err error) {
	if len(b) == 0 {
		return nil, 0, errBadRecord
	}
	*r = Record{Kind: Kind(b[0])}
	c := cursor{b: b[1:]}
	dt = time.Duration(c.uvarint(maxInt))
	switch r.Kind {
	case Opened:
		r.Conn = c.uvarint(1<<64 - 1)
		r.Player = string(c.bytes())
	case Closed:
		r.Conn = c.uvarint(1<<64 - 1)
	case Dropped:
		r.Lost = c.uvarint(1<<64 - 1)
	case Shown:
		r.Stream = uint32(c.uvarint(maxUint32))
		r.Viewers = int(c.uvarint(maxUint32))
		r.Size = int(c.uvarint(maxUint32))
		r.Frame = c.bytes()
	case Received, Sent:
		r.Conn = c.uvarint(1<<64 - 1)
		r.Size = int(c.uvarint(maxUint32))
		r.Frame = c.bytes()
	default:
		return nil, 0, errBadRecord
	}
	if c.bad {
		return nil, 0, errBadRecord
	}
	return c.b, dt, nil
}
