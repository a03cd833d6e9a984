package gateway

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// readBuffer holds a message of the usual limit. A wire has one only while it
// holds bytes that were not handled yet: an idle connection has none.
const readBuffer = 4<<10 + maxHeader

var readBuffers = sync.Pool{New: func() any { return &inbound{b: make([]byte, readBuffer)} }}

// inbound is what was read and not handled: b[r:w].
type inbound struct {
	b    []byte
	r, w int
}

// wire is the connection below the WebSocket layer. It keeps the deadlines,
// which depend on where in a message the reader is, and it can write without
// waiting.
//
// Deadlines are set late, and with some slack, so that most reads and writes
// set none.
type wire struct {
	conn net.Conn
	// raw is the socket itself; nil when there is something in between, TLS for
	// example.
	raw      syscall.RawConn
	pongWait time.Duration
	frame    time.Duration

	// Of the reader.
	in      *inbound  // nil while there is nothing in it
	helloBy time.Time // zero once the session is greeted
	begun   time.Time // when the first byte of an unfinished message came; zero: none has
	readBy  time.Time // the deadline that is set
	readErr error
	reading func(fd uintptr) bool // readSocket, bound once

	// lingerBy overrules every other read deadline once it is set.
	lingerBy atomic.Pointer[time.Time]

	// Of whoever owns the writing, see queue.
	writeTimeout time.Duration
	writeBy      time.Time // the deadline that is set

	// mu keeps the socket open while attempt writes to it: afterwards its number
	// may be another's.
	mu     sync.Mutex
	socket int // noSocket when there is none, or none any more
}

const noSocket = -1

func newWire(c net.Conn, cfg *Config) *wire {
	w := &wire{
		conn:         c,
		pongWait:     cfg.PongWait,
		frame:        cfg.FrameTimeout,
		helloBy:      time.Now().Add(cfg.HelloTimeout),
		writeTimeout: cfg.WriteTimeout,
		socket:       noSocket,
	}
	if sc, ok := c.(syscall.Conn); ok && directIO {
		if raw, err := sc.SyscallConn(); err == nil {
			w.raw = raw
			w.reading = w.readSocket
			_ = raw.Control(func(fd uintptr) { w.socket = int(fd) })
		}
	}
	return w
}

// buffered returns what was read and not handled.
func (w *wire) buffered() []byte {
	if w.in == nil {
		return nil
	}
	return w.in.b[w.in.r:w.in.w]
}

// skip counts n buffered bytes as handled.
func (w *wire) skip(n int) { w.in.r += n }

// relax gives the buffer back when nothing is left in it.
func (w *wire) relax() {
	if w.in == nil || w.in.r < w.in.w {
		return
	}
	w.in.r, w.in.w = 0, 0
	if len(w.in.b) == readBuffer { // a rare large message must not stay for ever
		readBuffers.Put(w.in)
	}
	w.in = nil
}

// fetch reads until n bytes are buffered.
func (w *wire) fetch(n int) error {
	for len(w.buffered()) < n {
		if err := w.read(n); err != nil {
			return err
		}
	}
	return nil
}

// read reads once, into a buffer with room for n bytes in all.
func (w *wire) read(n int) error {
	switch {
	case !w.helloBy.IsZero():
		w.setReadBy(w.helloBy)
	case !w.begun.IsZero():
		w.setReadBy(w.begun.Add(w.frame))
	default:
		now, slack := time.Now(), w.pongWait/8
		if left := w.readBy.Sub(now); left < w.pongWait || left > w.pongWait+slack {
			w.setReadBy(now.Add(w.pongWait + slack))
		}
	}
	if in := w.in; in != nil && in.r+n > len(in.b) {
		b := in.b
		if n > len(b) {
			b = make([]byte, n)
		}
		in.r, in.w = 0, copy(b, in.b[in.r:in.w])
		in.b = b
	}
	var got int
	var err error
	if w.raw != nil {
		before := len(w.buffered())
		w.readErr = nil
		if err = w.raw.Read(w.reading); err == nil {
			err = w.readErr
		}
		got = len(w.buffered()) - before
	} else {
		w.hold()
		got, err = w.conn.Read(w.in.b[w.in.w:])
		w.in.w += got
	}
	if got > 0 && w.begun.IsZero() {
		w.begun = time.Now()
	}
	return err
}

// hold makes sure that there is a buffer.
func (w *wire) hold() {
	if w.in == nil {
		w.in = readBuffers.Get().(*inbound)
	}
}

func (w *wire) setReadBy(t time.Time) {
	w.readBy = t
	_ = w.conn.SetReadDeadline(t)
	// linger may have come between: whichever of the two is late sets it again.
	if l := w.lingerBy.Load(); l != nil {
		_ = w.conn.SetReadDeadline(*l)
	}
}

// messageEnded tells that a whole message was read. What is still buffered is
// the beginning of the next.
func (w *wire) messageEnded() {
	w.begun = time.Time{}
	if len(w.buffered()) > 0 {
		w.begun = time.Now()
	}
}

// greeted ends the time that the Hello had.
func (w *wire) greeted() { w.helloBy = time.Time{} }

// overdue says which deadline a read has missed.
func (w *wire) overdue() reason {
	switch {
	case !w.helloBy.IsZero():
		return reasonHelloTimeout
	case !w.begun.IsZero():
		return reasonFrameTimeout
	default:
		return reasonPongTimeout
	}
}

// linger says that nothing more will be written. The client gets this long to
// read what was, and to hang up: closing at once would reset the connection,
// and take back what the client has not read.
func (w *wire) linger(d time.Duration) {
	if half, ok := w.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	t := time.Now().Add(d)
	w.lingerBy.Store(&t)
	_ = w.conn.SetReadDeadline(t)
}

// write writes all of p, for as long as the client takes something of it now
// and then.
func (w *wire) write(p []byte) error {
	for {
		w.extend()
		n, err := w.conn.Write(p)
		if n < len(p) && n > 0 && errors.Is(err, os.ErrDeadlineExceeded) {
			p = p[n:]
			continue
		}
		return err
	}
}

// extend moves the write deadline when it is near.
func (w *wire) extend() {
	if now := time.Now(); w.writeBy.Sub(now) < w.writeTimeout {
		w.writeBy = now.Add(w.writeTimeout + w.writeTimeout/4)
		_ = w.conn.SetWriteDeadline(w.writeBy)
	}
}

// attempt writes what the socket takes of p at once, and returns how much that
// was. An error is left to the next write, which will meet it again.
//
// It goes below net.Conn, whose locks and deadlines are for writes that wait: a
// thousand viewers are written to in one go, and each saved step counts.
func (w *wire) attempt(p []byte) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.socket == noSocket {
		return 0
	}
	return writeSocket(w.socket, p)
}

func (w *wire) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.socket = noSocket
	_ = w.conn.Close()
}
