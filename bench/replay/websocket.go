package replay

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

// maxHead is the room that finish needs before a payload: two bytes, a length of
// eight, and a mask of four.
const maxHead = 14

// finish puts the head of a message before its payload, which begins at maxHead.
// Masks are there against caches that misunderstand; between a load generator and
// its server 0 will do.
func finish(frame []byte, opcode byte) []byte {
	length := len(frame) - maxHead
	clear(frame[maxHead-4 : maxHead])
	from := maxHead - 4
	switch {
	case length < 126:
		from--
		frame[from] = 0x80 | byte(length)
	case length < 1<<16:
		from -= 3
		frame[from] = 0x80 | 126
		binary.BigEndian.PutUint16(frame[from+1:], uint16(length))
	default:
		from -= 9
		frame[from] = 0x80 | 127
		binary.BigEndian.PutUint64(frame[from+1:], uint64(length))
	}
	from--
	frame[from] = 0x80 | opcode
	return frame[from:]
}

// maxMessage bounds what a server can make us hold.
const maxMessage = 4 << 20

var (
	errClosed  = errors.New("the server has closed it")
	errFraming = errors.New("the server sends what RFC 6455 does not allow")
)

// unframer takes apart what a server sends. Whatever comes whole is handed on
// where it lies: most connections hold nothing.
type unframer struct {
	rest    []byte // the beginning of a frame
	message []byte // of a message in fragments
	kind    byte   // its opcode
}

// feed calls take for every message that is complete, with bytes that are valid
// until it returns.
func (u *unframer) feed(data []byte, take func(opcode byte, payload []byte) error) error {
	if len(u.rest) > 0 {
		u.rest = append(u.rest, data...)
		data = u.rest
	}
	for len(data) > 0 {
		opcode, final, payload, size, err := parseFrame(data)
		if err != nil {
			return err
		}
		if size == 0 {
			break
		}
		if err := u.frame(opcode, final, payload, take); err != nil {
			return err
		}
		data = data[size:]
	}
	if len(data) == 0 {
		u.rest = nil // a hundred thousand buffers would be a lot
		return nil
	}
	u.rest = append([]byte(nil), data...)
	return nil
}

// parseFrame reads the frame at the front of data. size is 0 while it is not
// complete.
func parseFrame(data []byte) (opcode byte, final bool, payload []byte, size int, err error) {
	if len(data) < 2 {
		return 0, false, nil, 0, nil
	}
	head, length := 2, uint64(data[1]&0x7F)
	switch {
	case data[1]&0x80 != 0:
		return 0, false, nil, 0, fmt.Errorf("%w: masked", errFraming)
	case length == 126:
		if head = 4; len(data) < head {
			return 0, false, nil, 0, nil
		}
		length = uint64(binary.BigEndian.Uint16(data[2:]))
	case length == 127:
		if head = 10; len(data) < head {
			return 0, false, nil, 0, nil
		}
		length = binary.BigEndian.Uint64(data[2:])
	}
	if length > maxMessage {
		return 0, false, nil, 0, fmt.Errorf("%w: a message of %d bytes", errFraming, length)
	}
	if uint64(len(data)-head) < length {
		return 0, false, nil, 0, nil
	}
	size = head + int(length)
	return data[0] & 0x0F, data[0]&0x80 != 0, data[head:size], size, nil
}

// frame puts messages in fragments together.
func (u *unframer) frame(opcode byte, final bool, payload []byte, take func(byte, []byte) error) error {
	if opcode >= opClose || final && opcode != opContinuation {
		return take(opcode, payload)
	}
	if opcode != opContinuation {
		u.kind, u.message = opcode, nil
	}
	if len(u.message)+len(payload) > maxMessage {
		return fmt.Errorf("%w: a message of more than %d bytes", errFraming, maxMessage)
	}
	u.message = append(u.message, payload...)
	if !final {
		return nil
	}
	whole := u.message
	u.message = nil
	return take(u.kind, whole)
}
