package world

import (
	"errors"
	"net"
	"sync"
	"time"
)

// crowd reads many sockets. What comes is handed to its listener, one at a time,
// under the listener's lock.
type crowd interface {
	// add has a socket read from now on, and closed with the crowd.
	add(*member) error
	// pause leaves a socket unread until resume.
	pause(*member) error
	resume(*member) error
	// remove closes a socket.
	remove(*member)
	// close ends reading and closes the sockets. It waits.
	close()
}

// listener is told what a crowd reads.
type listener interface {
	sync.Locker
	// arrived: a message, valid until arrived returns.
	arrived(m *member, payload []byte, at time.Time)
	// read: so many bytes, in one go.
	read(m *member, bytes int)
	// left: the server, or the network, has ended the connection.
	left(m *member, err error)
}

// member is a socket in a crowd.
type member struct {
	*socket
	viewer *viewer
	// taking is the same function for every read, so that none is made.
	taking func(opcode byte, payload []byte) error
	at     time.Time // of the read under way
	fd     int       // of a crowd that has no conn
}

var errClosedByServer = errors.New("closed by the server")

func newMember(s *socket, v *viewer, l listener) *member {
	m := &member{socket: s, viewer: v}
	m.taking = func(opcode byte, payload []byte) error {
		switch opcode {
		case opPing:
			return m.send(opPong, payload)
		case opPong:
		case opClose:
			return errClosedByServer
		default:
			l.arrived(m, payload, m.at)
		}
		return nil
	}
	return m
}

// take hands on what was read. The listener is locked.
func (m *member) take(l listener, data []byte) error {
	m.at = time.Now()
	l.read(m, len(data))
	return m.feed(data, m.taking)
}

// goroutines is a crowd anywhere: a goroutine for each socket. It spends some
// three times as much of the machine as polling does.
type goroutines struct {
	listener listener
	all      sync.WaitGroup

	mu      sync.Mutex
	closed  bool                      // guarded by mu
	reading map[*member]chan struct{} // closed when the goroutine has ended; guarded by mu
}

// goroutineBuffer holds most messages.
const goroutineBuffer = 2048

func newGoroutines(l listener) crowd {
	return &goroutines{listener: l, reading: make(map[*member]chan struct{})}
}

func (g *goroutines) add(m *member) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errors.Join(net.ErrClosed, m.wire.Close())
	}
	ended := make(chan struct{})
	g.reading[m] = ended
	g.all.Go(func() {
		defer close(ended)
		g.run(m)
	})
	return nil
}

func (g *goroutines) run(m *member) {
	conn, buffer := m.wire.(net.Conn), make([]byte, goroutineBuffer)
	for {
		n, err := conn.Read(buffer)
		g.listener.Lock()
		if n > 0 {
			err = errors.Join(m.take(g.listener, buffer[:n]), err)
		}
		if err != nil && !g.paused(err) {
			g.listener.left(m, err)
			_ = conn.Close()
		}
		g.listener.Unlock()
		if err != nil {
			return
		}
	}
}

// paused: pause has interrupted a read.
func (g *goroutines) paused(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func (g *goroutines) pause(m *member) error {
	if err := m.wire.(net.Conn).SetReadDeadline(time.Unix(1, 0)); err != nil {
		return err
	}
	g.mu.Lock()
	ended := g.reading[m]
	g.mu.Unlock()
	<-ended
	return nil
}

func (g *goroutines) resume(m *member) error {
	if err := m.wire.(net.Conn).SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	return g.add(m)
}

func (g *goroutines) remove(m *member) {
	_ = m.wire.Close()
	g.mu.Lock()
	ended := g.reading[m]
	delete(g.reading, m)
	g.mu.Unlock()
	if ended != nil {
		<-ended
	}
}

func (g *goroutines) close() {
	g.mu.Lock()
	g.closed = true
	for m := range g.reading {
		_ = m.wire.Close()
	}
	g.mu.Unlock()
	g.all.Wait()
}
