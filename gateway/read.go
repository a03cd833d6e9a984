package gateway

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/gorilla/websocket"
	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// read is the session's reader, after the greeting. It returns when the
// connection is closing.
func (s *session) read() {
	for s.receive() && s.handle() {
		s.in.Body = nil // nobody keeps the last request of an idle connection
	}
}

// receive reads the next frame into s.in. False: the connection is closing.
func (s *session) receive() bool {
	op, message, err := s.nextMessage()
	if err != nil {
		s.readErr = err
		s.failed(err)
		return false
	}
	s.now = time.Now()
	if op != s.codec.opcode() {
		s.g.metrics.in[frameBroken].Inc()
		s.sayLast(refuse(0, clientv1.Code_CODE_INVALID_ARGUMENT, "%s has no messages of this WebSocket type", s.codec.subprotocol()),
			websocket.CloseUnsupportedData, reasonWrongMessageType)
		return false
	}
	if err := s.codec.decode(message, &s.in); err != nil {
		s.g.metrics.in[frameBroken].Inc()
		s.log().Debug("decode frame", "error", err)
		s.sayLast(refuse(0, clientv1.Code_CODE_INVALID_ARGUMENT, "the message is not a ClientFrame of %s", s.codec.subprotocol()),
			websocket.CloseInvalidFramePayloadData, reasonMalformed)
		return false
	}
	s.g.metrics.in[frameTypeOf(&s.in)].Inc()
	s.recordReceived(message)
	return true
}

// failed says farewell after a read that failed; the first reason wins, so this
// changes nothing when the connection is closing already.
func (s *session) failed(err error) {
	var closed closedError
	var wrong protocolError
	var netErr net.Error
	switch {
	case errors.As(err, &closed) && closed.code == closeNoStatus:
		s.queue.close(farewell{code: websocket.CloseNormalClosure, reason: reasonClientClosed})
	case errors.As(err, &closed):
		s.queue.close(farewell{code: closed.code, reason: reasonClientClosed})
	case errors.Is(err, errTooBig):
		s.queue.close(farewell{code: websocket.CloseMessageTooBig, text: fmt.Sprintf("a message has at most %d bytes", s.g.cfg.MaxMessageBytes), reason: reasonMessageTooBig})
	case errors.As(err, &wrong):
		s.queue.close(farewell{code: websocket.CloseProtocolError, text: wrong.Error(), reason: reasonProtocolError})
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		s.overdue(s.wire.overdue())
	default:
		s.queue.close(farewell{reason: reasonClientGone})
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
	var closed closedError
	for s.readErr == nil {
		_, _, s.readErr = s.nextMessage()
	}
	if !errors.As(s.readErr, &closed) {
		// Perhaps in the middle of a message that was not wanted.
		s.discard()
	}
}

// discard reads on without looking.
func (s *session) discard() {
	for n := 0; n < lingerBytes; {
		if err := s.wire.fetch(1); err != nil {
			return
		}
		n += len(s.wire.buffered())
		s.wire.skip(len(s.wire.buffered()))
		s.wire.relax()
	}
}

func unexpectedAnswer(m proto.Message) error {
	return fmt.Errorf("unexpected answer %s", m.ProtoReflect().Descriptor().FullName())
}
