package world

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Opcodes of RFC 6455, section 5.2.
const (
	opContinuation = 0x0
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// maxMessage bounds what a server can make us hold: a keyframe of a full zone is
// far below it.
const maxMessage = 4 << 20

var errFraming = errors.New("not what RFC 6455 allows a server to send")

// unframer takes apart what a server sends over a WebSocket. Messages that come
// in one piece are handed on where they lie; only those that do not are copied.
type unframer struct {
	head   [10]byte
	have   int  // bytes of head
	inside bool // the head is complete, the payload is not
	opcode byte
	final  bool
	want   int // bytes of the payload still to come

	kind    byte   // opcode of the message under way
	message []byte // what has come of it, if it comes in pieces
	control []byte // the same for a control frame, which may come in between
}

// feed takes the next bytes. take is called for every message and every control
// frame that is complete, with bytes that are valid until it returns.
func (u *unframer) feed(data []byte, take func(opcode byte, payload []byte) error) error {
	for len(data) > 0 || u.inside && u.want == 0 {
		if !u.inside {
			rest, err := u.header(data)
			if err != nil {
				return err
			}
			if data = rest; !u.inside {
				return nil
			}
		}
		part := data[:min(u.want, len(data))]
		data = data[len(part):]
		if u.want -= len(part); u.want > 0 {
			*u.pieces() = append(*u.pieces(), part...)
			return nil
		}
		if err := u.end(part, take); err != nil {
			return err
		}
	}
	return nil
}

// pieces is where the frame under way is put together.
func (u *unframer) pieces() *[]byte {
	if u.opcode >= opClose {
		return &u.control
	}
	return &u.message
}

// end takes the last part of a frame.
func (u *unframer) end(part []byte, take func(opcode byte, payload []byte) error) error {
	u.inside = false
	pieces, kind := u.pieces(), u.opcode
	if u.opcode < opClose {
		kind = u.kind
	}
	if !u.final {
		*pieces = append(*pieces, part...)
		return nil
	}
	if len(*pieces) == 0 {
		return take(kind, part)
	}
	*pieces = append(*pieces, part...)
	err := take(kind, *pieces)
	*pieces = (*pieces)[:0]
	return err
}

// header takes the head of a frame, as much of it as is there, and returns what
// stands behind it.
func (u *unframer) header(data []byte) (rest []byte, err error) {
	for size := u.headSize(); u.have < size; size = u.headSize() {
		n := copy(u.head[u.have:size], data)
		if n == 0 {
			return nil, nil
		}
		u.have += n
		data = data[n:]
	}
	u.have = 0
	u.opcode, u.final = u.head[0]&0x0F, u.head[0]&0x80 != 0
	switch length := u.head[1] & 0x7F; length {
	case 126:
		u.want = int(binary.BigEndian.Uint16(u.head[2:]))
	case 127:
		// The cast keeps the size, or makes it negative.
		u.want = int(binary.BigEndian.Uint64(u.head[2:]))
	default:
		u.want = int(length)
	}
	switch {
	case u.head[1]&0x80 != 0:
		return nil, fmt.Errorf("%w: masked", errFraming)
	case u.want < 0 || len(u.message)+u.want > maxMessage:
		return nil, fmt.Errorf("%w: a message of more than %d bytes", errFraming, maxMessage)
	case u.opcode >= opClose && (!u.final || u.want > 125):
		return nil, fmt.Errorf("%w: a control frame in pieces", errFraming)
	}
	if u.opcode != opContinuation && u.opcode < opClose {
		u.kind = u.opcode
	}
	u.inside = true
	return data, nil
}

// headSize is the size of the head, as far as its first two bytes are there.
func (u *unframer) headSize() int {
	switch {
	case u.have >= 2 && u.head[1]&0x7F == 126:
		return 4
	case u.have >= 2 && u.head[1]&0x7F == 127:
		return 10
	default:
		return 2
	}
}
