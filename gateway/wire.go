package gateway

import (
	"bufio"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// readBuffer holds a few dozen purchases; a longer message is read past it.
	// It exists for every connection, idle ones too.
	readBuffer = 2 << 10
	// flushBytes is how much a corked wire gathers before it writes anyway:
	// past this a system call costs less than the copying.
	flushBytes = 32 << 10
)

// flushBuffers holds the buffers of wires that are corked just now.
var flushBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// wire is the connection below the WebSocket layer. It keeps the deadlines,
// which depend on where in a frame the reader is, and gathers small writes.
//
// Deadlines are set late, and with some slack, so that most reads and writes
// set none.
type wire struct {
	net.Conn
	br       *bufio.Reader // what the WebSocket layer reads from; it reads from the wire
	pongWait time.Duration
	frame    time.Duration
	flushes  func() // called after each write to the socket, for metrics

	// Of the reader.
	helloBy time.Time // zero once the session is greeted
	begun   time.Time // when the first byte of an unfinished message came; zero: none has
	readBy  time.Time // the deadline that is set

	// lingerBy overrules every other read deadline once it is set.
	lingerBy atomic.Pointer[time.Time]

	mu           sync.Mutex
	corked       *[]byte // nil: writes go through
	writeTimeout time.Duration
	writeBy      time.Time // the deadline that is set
}

func newWire(c net.Conn, cfg *Config, flushes func()) *wire {
	w := &wire{
		Conn:         c,
		pongWait:     cfg.PongWait,
		frame:        cfg.FrameTimeout,
		flushes:      flushes,
		helloBy:      time.Now().Add(cfg.HelloTimeout),
		writeTimeout: cfg.WriteTimeout,
	}
	w.br = bufio.NewReaderSize(w, readBuffer)
	return w
}

// Read is called by br only, so only when it holds nothing.
func (w *wire) Read(p []byte) (int, error) {
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
	n, err := w.Conn.Read(p)
	if n > 0 && w.begun.IsZero() {
		w.begun = time.Now()
	}
	return n, err
}

func (w *wire) setReadBy(t time.Time) {
	w.readBy = t
	_ = w.Conn.SetReadDeadline(t)
	// linger may have come between: whichever of the two is late sets it again.
	if l := w.lingerBy.Load(); l != nil {
		_ = w.Conn.SetReadDeadline(*l)
	}
}

// messageEnded tells that a whole message was read. What br still holds is the
// beginning of the next.
func (w *wire) messageEnded() {
	w.begun = time.Time{}
	if w.br.Buffered() > 0 {
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
	if half, ok := w.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	t := time.Now().Add(d)
	w.lingerBy.Store(&t)
	_ = w.Conn.SetReadDeadline(t)
}

// cork gathers writes until uncork.
func (w *wire) cork() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.corked = flushBuffers.Get().(*[]byte)
}

// uncork writes what was gathered.
func (w *wire) uncork() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.corked
	w.corked = nil
	var err error
	if len(*b) > 0 {
		_, err = w.writeLocked(*b)
	}
	if cap(*b) <= 2*flushBytes { // a rare large reply must not stay for ever
		*b = (*b)[:0]
		flushBuffers.Put(b)
	}
	return err
}

// Write is called by the writer, and by the WebSocket layer on behalf of the
// reader when it refuses a frame.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.corked == nil {
		return w.writeLocked(p)
	}
	b := append(*w.corked, p...)
	if len(b) >= flushBytes {
		if _, err := w.writeLocked(b); err != nil {
			return 0, err
		}
		b = b[:0]
	}
	*w.corked = b
	return len(p), nil
}

func (w *wire) writeLocked(p []byte) (int, error) {
	if now := time.Now(); w.writeBy.Sub(now) < w.writeTimeout {
		w.writeBy = now.Add(w.writeTimeout + w.writeTimeout/4)
		_ = w.Conn.SetWriteDeadline(w.writeBy)
	}
	n, err := w.Conn.Write(p)
	w.flushes()
	return n, err
}

// SetWriteDeadline does nothing: the WebSocket layer calls it for each frame,
// and the wire keeps its own.
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline and SetReadDeadline do nothing, for the same reason.
func (w *wire) SetDeadline(time.Time) error { return nil }

func (w *wire) SetReadDeadline(time.Time) error { return nil }
