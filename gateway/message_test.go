package gateway

import (
	"bytes"
	"io"
	"net"
	"testing"
	"testing/iotest"
	"time"
)

// dribbling is a connection from which there is only something to read.
type dribbling struct {
	net.Conn
	io.Reader
}

func (d dribbling) Read(p []byte) (int, error)     { return d.Reader.Read(p) }
func (dribbling) SetReadDeadline(time.Time) error  { return nil }
func (dribbling) SetWriteDeadline(time.Time) error { return nil }
func (dribbling) Close() error                     { return nil }

// FuzzMessages feeds bytes to the reader of WebSocket frames. It must not depend
// on how they are cut into pieces, and no message may be beyond the limit.
func FuzzMessages(f *testing.F) {
	const mask = "\x01\x02\x03\x04"
	f.Add([]byte("\x82\x84" + mask + "\x09\x00\x19\x04"))
	f.Add([]byte("\x02\x81" + mask + "\x09\x89\x81" + mask + "x\x80\x83" + mask + "\x03\x18\x03\x88\x80" + mask))
	f.Add([]byte("\x82\xfe\x02\x00" + mask + string(make([]byte, 512))))
	f.Add([]byte("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff" + mask))
	f.Add([]byte("\x88\x82" + mask + "\x02\xea"))
	f.Fuzz(func(t *testing.T, data []byte) {
		at, atErr := messages(t, bytes.NewReader(data))
		bitwise, bitErr := messages(t, iotest.OneByteReader(bytes.NewReader(data)))
		if !bytes.Equal(at, bitwise) || atErr.Error() != bitErr.Error() {
			t.Errorf("at once %q, %v; byte by byte %q, %v", at, atErr, bitwise, bitErr)
		}
	})
}

// messages returns all messages that r holds, and what ended them.
func messages(t *testing.T, r io.Reader) (all []byte, err error) {
	g := &Gateway{cfg: DefaultConfig()}
	g.cfg.MaxMessageBytes = 512
	s := &session{g: g, wire: newWire(dribbling{Reader: r}, &g.cfg), queue: newQueue(1, func() {})}
	for {
		op, message, err := s.nextMessage()
		if err != nil {
			return all, err
		}
		if len(message) > g.cfg.MaxMessageBytes || op.control() {
			t.Errorf("message of %d bytes, opcode %d", len(message), op)
		}
		all = append(append(all, byte(op)), message...)
	}
}
