package gateway

import (
	"errors"
	"net"
	"os"

	"github.com/gorilla/websocket"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// write is the session's writer. It ends after the farewell, or when the
// connection takes no more.
func (s *session) write() {
	var b batch
	for range s.queue.wake {
		s.queue.take(&b)
		s.wire.cork()
		err := s.writeBatch(&b)
		if e := s.wire.uncork(); err == nil {
			err = e
		}
		if err != nil {
			s.writeFailed(err)
			return
		}
		if b.bye != nil {
			s.wire.linger(s.g.cfg.CloseGrace)
			return
		}
	}
}

func (s *session) writeBatch(b *batch) error {
	for i := range b.replies {
		if err := s.writeReply(&b.replies[i]); err != nil {
			return err
		}
	}
	for _, l := range b.levels {
		if err := s.writeFrame(s.codec.encoded(l)); err != nil {
			return err
		}
	}
	if b.pong != nil {
		if err := s.ws.WriteMessage(websocket.PongMessage, b.pong); err != nil {
			return err
		}
	}
	switch {
	case b.bye == nil:
		if b.ping {
			return s.ws.WriteMessage(websocket.PingMessage, nil)
		}
	case b.bye.code != 0:
		return s.ws.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(b.bye.code, b.bye.text))
	}
	return nil
}

func (s *session) writeReply(r *reply) error {
	out, err := s.encode(s.out[:0], r)
	if err != nil {
		// The answer is not what the method's reply should be: a bug in a kind,
		// or a peer of another version.
		s.log.Error("encode reply", "error", err)
		frame := refuse(r.seq(), clientv1.Code_CODE_INTERNAL, "the reply could not be encoded")
		if out, err = s.codec.appendFrame(s.out[:0], frame); err != nil {
			return err
		}
		s.g.metrics.refused(clientv1.Code_CODE_INTERNAL)
	}
	if cap(out) <= keepOut {
		s.out = out
	}
	if r.req != nil {
		r.req.done(s.g.metrics, r.ans.Code)
	}
	return s.writeFrame(out)
}

// keepOut bounds the encoding buffer that a connection keeps: most replies fit,
// a catalog does not.
const keepOut = 1 << 10

func (r *reply) seq() uint64 {
	if r.req != nil {
		return r.req.seq
	}
	return r.frame.GetSeq()
}

func (s *session) encode(dst []byte, r *reply) ([]byte, error) {
	if r.req == nil {
		if e := r.frame.GetError(); e != nil {
			s.g.metrics.refused(e.GetCode())
		}
		return s.codec.appendFrame(dst, r.frame)
	}
	if r.ans.Code != clientv1.Code_CODE_UNSPECIFIED {
		s.g.metrics.refused(r.ans.Code)
		return s.codec.appendFrame(dst, refusal(r.req.seq, r.ans))
	}
	return s.codec.appendAnswer(dst, r.req.seq, r.req.method.reply, r.ans)
}

func (s *session) writeFrame(data []byte) error {
	s.g.metrics.framesOut.Inc()
	return s.ws.WriteMessage(s.codec.messageType(), data)
}

// writeFailed cuts the connection, so that the reader notices as well.
func (s *session) writeFailed(err error) {
	why := reasonWriteError
	var ne net.Error
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &ne) && ne.Timeout():
		why = reasonWriteTimeout
	case errors.Is(err, websocket.ErrCloseSent):
		// The WebSocket layer has refused a frame on the reader's behalf; the
		// reader says why.
		s.wire.linger(s.g.cfg.CloseGrace)
		return
	}
	s.queue.close(farewell{reason: why})
	_ = s.wire.Close()
}
