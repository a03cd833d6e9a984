package gateway

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

const (
	// flushBytes is how much a writer gathers before it writes: past this a system
	// call costs less than the copying.
	flushBytes = 32 << 10
	// keepOut bounds the buffers that writers keep: most replies fit, a catalog
	// does not.
	keepOut = 4 << 10
)

// writer writes what is queued for one session, and ends when nothing is.
type writer struct {
	s     *session
	at    time.Time // of the batch, for the recorder; zero until it is needed
	batch batch
	out   []byte // one encoded frame
	flush []byte // gathered WebSocket frames
}

var writers = sync.Pool{New: func() any { return new(writer) }}

// write is the session's writer. It owns the writing when it begins.
func (s *session) write() {
	w := writers.Get().(*writer)
	w.s = s
	for s.queue.take(&w.batch) {
		w.at, w.flush = time.Time{}, w.flush[:0]
		err := w.writeBatch()
		if err == nil {
			err = w.flushNow()
		}
		if err != nil {
			s.writeFailed(err)
			break
		}
		if w.batch.bye != nil {
			s.wire.linger(s.g.cfg.CloseGrace)
			s.queue.end()
			close(s.written)
			break
		}
	}
	w.retire()
}

// retire gives the writer's buffers to the next one.
func (w *writer) retire() {
	w.s = nil
	clear(w.batch.replies[:cap(w.batch.replies)])
	clear(w.batch.levels[:cap(w.batch.levels)])
	w.batch = batch{replies: w.batch.replies[:0], levels: w.batch.levels[:0]}
	if cap(w.out) > keepOut {
		w.out = nil
	}
	if cap(w.flush) > 2*flushBytes {
		w.flush = nil
	}
	writers.Put(w)
}

func (w *writer) writeBatch() error {
	b := &w.batch
	for i := range b.replies {
		if err := w.writeReply(&b.replies[i]); err != nil {
			return err
		}
	}
	for _, l := range b.levels {
		if err := w.writeEvent(l); err != nil {
			return err
		}
	}
	if b.pong != nil {
		if err := w.gather(opPong, b.pong); err != nil {
			return err
		}
	}
	switch {
	case b.bye == nil:
		if b.ping {
			return w.gather(opPing, nil)
		}
	case b.bye.code != 0:
		w.flush = appendClose(w.flush, b.bye.code, b.bye.text)
	}
	return nil
}

func (w *writer) writeReply(r *reply) error {
	switch {
	case r.raw != nil:
		w.flush = append(w.flush, r.raw...)
		return w.flushSome()
	case r.event != nil:
		return w.writeEvent(r.event)
	}
	m := w.s.g.metrics
	out, err := w.encode(w.out[:0], r)
	if err != nil {
		// The answer is not what the method's reply should be: a bug in a kind,
		// or a peer of another version.
		w.s.log().Error("encode reply", "error", err)
		frame := refuse(r.seq(), clientv1.Code_CODE_INTERNAL, "the reply could not be encoded")
		if out, err = w.s.codec.appendFrame(w.out[:0], frame); err != nil {
			return err
		}
		m.refused(clientv1.Code_CODE_INTERNAL)
	}
	w.out = out
	w.recordReply(r, out)
	if r.req != nil {
		r.req.done(m, r.code())
	}
	return w.writeFrame(out)
}

func (w *writer) writeEvent(e *event) error {
	w.recordEvent(e)
	return w.writeFrame(w.s.codec.encoded(e))
}

func (r *reply) seq() uint64 {
	if r.req != nil {
		return r.req.seq
	}
	return r.frame.GetSeq()
}

func (r *reply) code() clientv1.Code {
	if r.ans != nil {
		return r.ans.Code
	}
	return r.frame.GetError().GetCode()
}

func (w *writer) encode(dst []byte, r *reply) ([]byte, error) {
	if code := r.code(); code != clientv1.Code_CODE_UNSPECIFIED {
		w.s.g.metrics.refused(code)
	}
	return r.appendTo(dst, w.s.codec)
}

// appendTo encodes a reply that is not encoded yet.
func (r *reply) appendTo(dst []byte, c codec) ([]byte, error) {
	switch {
	case r.ans == nil:
		return c.appendFrame(dst, r.frame)
	case r.ans.Code != clientv1.Code_CODE_UNSPECIFIED:
		return c.appendFrame(dst, refusal(r.req.seq, r.ans))
	default:
		return c.appendAnswer(dst, r.req.seq, r.req.method.reply, r.ans)
	}
}

func (w *writer) writeFrame(data []byte) error {
	w.s.g.metrics.framesOut.Inc()
	return w.gather(w.s.codec.opcode(), data)
}

// gather adds a WebSocket frame to what is flushed next.
func (w *writer) gather(op opcode, payload []byte) error {
	w.flush = append(appendHeader(w.flush, op, len(payload)), payload...)
	return w.flushSome()
}

// flushSome writes what was gathered when it is a lot.
func (w *writer) flushSome() error {
	if len(w.flush) < flushBytes {
		return nil
	}
	return w.flushNow()
}

func (w *writer) flushNow() error {
	if len(w.flush) == 0 {
		return nil
	}
	w.s.g.metrics.flushes.Inc()
	err := w.s.wire.write(w.flush)
	w.flush = w.flush[:0]
	return err
}

// writeFailed cuts the connection, so that the reader notices as well.
func (s *session) writeFailed(err error) {
	why := reasonWriteError
	var ne net.Error
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &ne) && ne.Timeout() {
		why = reasonWriteTimeout
	}
	s.queue.close(farewell{reason: why})
	s.wire.close()
	s.queue.end()
	close(s.written)
}
