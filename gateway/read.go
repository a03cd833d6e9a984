package gateway

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// messageBuffers holds the buffers that messages are read into; a connection
// has one only while it decodes.
var messageBuffers = sync.Pool{New: func() any { b := make([]byte, 4<<10+1); return &b }}

// read is the session's reader, after the greeting. It returns when the
// connection is closing.
func (s *session) read() {
	for s.receive() && s.handle() {
	}
}

// receive reads the next frame into s.in. False: the connection is closing.
func (s *session) receive() bool {
	buf := messageBuffers.Get().(*[]byte)
	defer messageBuffers.Put(buf)
	kind, message, err := s.nextMessage(buf)
	if err != nil {
		s.failed(err)
		return false
	}
	s.now = time.Now()
	if kind != s.codec.messageType() {
		s.g.metrics.in[frameBroken].Inc()
		s.sayLast(refuse(0, clientv1.Code_CODE_INVALID_ARGUMENT, "%s has no messages of this WebSocket type", s.ws.Subprotocol()),
			websocket.CloseUnsupportedData, reasonWrongMessageType)
		return false
	}
	if err := s.codec.decode(message, &s.in); err != nil {
		s.g.metrics.in[frameBroken].Inc()
		s.log.Debug("decode frame", "error", err)
		s.sayLast(refuse(0, clientv1.Code_CODE_INVALID_ARGUMENT, "the message is not a ClientFrame of %s", s.ws.Subprotocol()),
			websocket.CloseInvalidFramePayloadData, reasonMalformed)
		return false
	}
	s.g.metrics.in[frameTypeOf(&s.in)].Inc()
	return true
}

// nextMessage reads one whole message into buf, which it grows if need be.
func (s *session) nextMessage(buf *[]byte) (kind int, message []byte, err error) {
	kind, r, err := s.ws.NextReader()
	if err != nil {
		return 0, nil, err
	}
	s.inside = true
	b, n := *buf, 0
	for {
		if n == len(b) {
			b = append(b, make([]byte, len(b))...)
			*buf = b
		}
		more, err := r.Read(b[n:])
		n += more
		if err == io.EOF {
			s.inside = false
			s.wire.messageEnded()
			return kind, b[:n], nil
		}
		if err != nil {
			return 0, nil, err
		}
	}
}

// controlEnded is told of pings and pongs. One between the fragments of a
// message does not give that message more time.
func (s *session) controlEnded() {
	if !s.inside {
		s.wire.messageEnded()
	}
}

// failed says farewell after a read that failed; the first reason wins, so this
// changes nothing when the connection is closing already.
func (s *session) failed(err error) {
	var closeErr *websocket.CloseError
	var netErr net.Error
	switch {
	case errors.As(err, &closeErr) && closeErr.Code == websocket.CloseNoStatusReceived:
		s.queue.close(farewell{code: websocket.CloseNormalClosure, reason: reasonClientClosed})
	case errors.As(err, &closeErr) && closeErr.Code != websocket.CloseAbnormalClosure:
		s.queue.close(farewell{code: closeErr.Code, reason: reasonClientClosed})
	case errors.Is(err, websocket.ErrReadLimit):
		// The WebSocket layer has sent 1009 already.
		s.queue.close(farewell{reason: reasonMessageTooBig})
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		s.overdue(s.wire.overdue())
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &closeErr), errors.As(err, &netErr):
		s.queue.close(farewell{reason: reasonClientGone})
	default:
		// The WebSocket layer has sent 1002 already.
		s.queue.close(farewell{reason: reasonProtocolError})
	}
}

// overdue says farewell to a client that was too slow.
func (s *session) overdue(why reason) {
	switch why {
	case reasonHelloTimeout:
		s.sayLast(refuse(0, clientv1.Code_CODE_UNAUTHENTICATED, "no Hello came within %s", s.g.cfg.HelloTimeout),
			websocket.ClosePolicyViolation, why)
	case reasonFrameTimeout:
		s.queue.close(farewell{code: websocket.ClosePolicyViolation, text: "a message took too long", reason: why})
	default:
		s.queue.close(farewell{code: websocket.ClosePolicyViolation, text: "no pong", reason: why})
	}
}

// lingerBytes bounds what is read and thrown away of a client that has been
// told to go.
const lingerBytes = 1 << 20

// awaitHangup reads what the client still sends, until it hangs up or answers
// the close, or the writer's linger deadline has passed.
func (s *session) awaitHangup() {
	var err error
	for err == nil {
		_, _, err = s.ws.NextReader()
	}
	var closeErr *websocket.CloseError
	if errors.As(err, &closeErr) {
		return
	}
	// In the middle of a message that was not wanted.
	_, _ = io.CopyN(io.Discard, s.wire.br, lingerBytes)
}

func unexpectedAnswer(m proto.Message) error {
	return fmt.Errorf("unexpected answer %s", m.ProtoReflect().Descriptor().FullName())
}
