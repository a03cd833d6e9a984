package replay

import (
	"crypto/tls"
	"errors"
	"net"
	"time"
)

// plainBuffer takes what one record of TLS has at most.
const plainBuffer = 16 << 10

// wire is what the TLS of a connection reads and writes: a socket while it is
// opened, and then what the poller has read and will write. So the engine's own
// goroutine encrypts and decrypts: a connection over TLS costs neither goroutines
// nor system calls that one without does not.
//
// Package crypto/tls takes an error for final unless it is temporary, and keeps
// the beginning of a record until its rest comes.
type wire struct {
	net.Conn // until it is adopted
	poller   *poller
	link     *link
	came     []byte // off the socket, and not read yet
}

// underTLS is what is given to package crypto/tls.
func underTLS(conn net.Conn) net.Conn { return &wire{Conn: conn} }

// drainedError: everything that has come was read.
type drainedError struct{}

func (drainedError) Error() string   { return "nothing more has come yet" }
func (drainedError) Timeout() bool   { return true }
func (drainedError) Temporary() bool { return true }

func (w *wire) Read(b []byte) (int, error) {
	if w.link == nil {
		return w.Conn.Read(b)
	}
	if len(w.came) == 0 {
		return 0, drainedError{}
	}
	n := copy(b, w.came)
	w.came = w.came[n:]
	return n, nil
}

// Write takes all or fails for good: there are no parts of records.
func (w *wire) Write(b []byte) (int, error) {
	if w.link == nil {
		return w.Conn.Write(b)
	}
	if err := w.poller.put(w.link, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// SetWriteDeadline is set around the last record of a connection, which does not
// wait.
func (w *wire) SetWriteDeadline(at time.Time) error {
	if w.link == nil {
		return w.Conn.SetWriteDeadline(at)
	}
	return nil
}

// adopted says that the poller reads and writes from now on.
func (w *wire) adopted(p *poller, l *link) { w.Conn, w.poller, w.link = nil, p, l }

// decrypt hands on what is in the records that are complete with what has come.
func (p *poller) decrypt(l *link, came []byte, arrived func(*link, []byte, error)) {
	conn := l.tls
	conn.NetConn().(*wire).came = came
	for l.tls == conn { // until it is closed over what was in it
		n, err := conn.Read(p.plain)
		if n > 0 {
			arrived(l, p.plain[:n], nil)
		}
		switch {
		case errors.Is(err, drainedError{}):
			return
		case err != nil && l.tls == conn:
			arrived(l, nil, err)
			return
		}
	}
}

// asTLS is a connection taken apart: the socket, and what is above it, if anything.
func asTLS(conn net.Conn) (socket net.Conn, secured *tls.Conn) {
	secured, ok := conn.(*tls.Conn)
	if !ok {
		return conn, nil
	}
	return secured.NetConn().(*wire).Conn, secured
}
