package gateway

import (
	"encoding/binary"
	"fmt"
)

// nextMessage returns the next whole message, which is valid until the next
// call. Pings are answered and pongs swallowed on the way. The errors are
// closedError, protocolError, errTooBig and those of the connection.
func (s *session) nextMessage() (op opcode, message []byte, err error) {
	s.wire.relax()
	var whole []byte // of a message in fragments, those before this
	fragments := false
	for {
		f, err := s.nextFrame(len(whole))
		if err != nil {
			return 0, nil, err
		}
		switch {
		case f.op.control():
			err := s.control(f)
			s.wire.skip(len(f.payload))
			if err != nil {
				return 0, nil, err
			}
			// One between the fragments of a message does not give that message more
			// time.
			if !fragments {
				s.wire.messageEnded()
				s.wire.relax()
			}
			continue
		case f.op == opContinuation && !fragments:
			return 0, nil, protocolError("continuation of nothing")
		case f.op != opContinuation && fragments:
			return 0, nil, protocolError("a message begins within another")
		case !fragments:
			op = f.op
		}
		s.wire.skip(len(f.payload))
		if f.final && !fragments {
			s.wire.messageEnded()
			return op, f.payload, nil
		}
		fragments = true
		whole = append(whole, f.payload...)
		if f.final {
			s.wire.messageEnded()
			return op, whole, nil
		}
	}
}

// inFrame is one frame of a client.
type inFrame struct {
	op      opcode
	final   bool
	payload []byte // unmasked, in the wire's buffer, not yet skipped
}

// nextFrame reads one frame, whose message has so many bytes already.
func (s *session) nextFrame(before int) (f inFrame, err error) {
	w := s.wire
	if err := w.fetch(2); err != nil {
		return f, err
	}
	b := w.buffered()
	f.final, f.op = b[0]&bitFinal != 0, opcode(b[0]&bitsOpcode)
	size, short := 2, b[1]&bitsLength
	switch {
	case b[0]&bitsRsv != 0:
		return f, protocolError("reserved bits are set")
	case b[1]&bitMask == 0:
		return f, protocolError("frame without a mask")
	case f.op.control() && !f.final:
		return f, protocolError("control frame in fragments")
	case f.op.control() && short > maxControl:
		return f, protocolError("control frame too long")
	case f.op > opBinary && !f.op.control(), f.op > opPong:
		return f, protocolError(fmt.Sprintf("unknown opcode %d", f.op))
	case short == length16:
		size += 2
	case short == length64:
		size += 8
	}
	if err := w.fetch(size + maskBytes); err != nil {
		return f, err
	}
	b = w.buffered()
	length := uint64(short)
	switch short {
	case length16:
		length = uint64(binary.BigEndian.Uint16(b[2:]))
	case length64:
		length = binary.BigEndian.Uint64(b[2:])
	}
	if limit := uint64(s.g.cfg.MaxMessageBytes); !f.op.control() && (length > limit || length+uint64(before) > limit) {
		return f, errTooBig
	}
	key := [maskBytes]byte(b[size:])
	w.skip(size + maskBytes)
	if err := w.fetch(int(length)); err != nil {
		return f, err
	}
	f.payload = w.buffered()[:length]
	unmask(key, f.payload)
	return f, nil
}

// control handles a control frame.
func (s *session) control(f inFrame) error {
	switch f.op {
	case opClose:
		return parseClose(f.payload)
	case opPing:
		s.queue.answerPing(f.payload)
	}
	return nil
}
