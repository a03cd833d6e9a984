//go:build !linux

package replay

import (
	"net"
	"sync"
	"time"
)

const (
	// arrivals may wait for the engine; then sockets are not read for a while.
	arrivals = 1024
	// readBuffer takes what a socket has in one read, as a rule.
	readBuffer = 4 << 10
	// writeTimeout is how long a server may refuse to read.
	writeTimeout = time.Second
	// openOfProcess is how many connections one process has, which any system allows.
	openOfProcess = 8000
)

func maxOpen() int { return openOfProcess }

// started is when the program was.
var started = time.Now()

// threadTime is how long the calling thread can have used a processor: a worker
// that is late counts as one that does all it can.
func threadTime() time.Duration { return time.Since(started) }

// socket is a connection that has a goroutine which reads it.
type socket struct{ wire net.Conn }

// poller reads sockets anywhere, with a goroutine for each.
type poller struct {
	woken   chan struct{}
	arrived chan arrival
	ended   chan struct{}
	reading sync.WaitGroup
	links   map[*link]net.Conn
}

// arrival is what was read of a socket.
type arrival struct {
	link *link
	conn net.Conn
	data []byte
	err  error
}

func newPoller() (*poller, error) {
	return &poller{
		woken: make(chan struct{}, 1), arrived: make(chan arrival, arrivals), ended: make(chan struct{}),
		links: make(map[*link]net.Conn),
	}, nil
}

// wakeUp ends a wait. Any goroutine may call it.
func (p *poller) wakeUp() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

func (p *poller) adopt(l *link, conn net.Conn) error {
	l.socket = socket{wire: conn}
	p.links[l] = conn
	p.reading.Go(func() {
		for {
			data := make([]byte, readBuffer)
			n, err := conn.Read(data)
			select {
			case p.arrived <- arrival{l, conn, data[:n], err}:
			case <-p.ended:
				return
			}
			if err != nil {
				return
			}
		}
	})
	return nil
}

// underTLS is what is given to package crypto/tls.
func underTLS(conn net.Conn) net.Conn { return conn }

// begin hands on what has come before a connection was adopted.
func (p *poller) begin(l *link, early []byte, arrived func(*link, []byte, error)) {
	if len(early) > 0 {
		arrived(l, early, nil)
	}
}

func (p *poller) write(l *link, frame []byte) error {
	_ = l.wire.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := l.wire.Write(frame)
	return err
}

// drop closes a connection.
func (p *poller) drop(l *link) {
	delete(p.links, l)
	_ = l.wire.Close()
}

// wait hands on what has come, or comes within d.
func (p *poller) wait(d time.Duration, arrived func(*link, []byte, error)) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case a := <-p.arrived:
		p.hand(a, arrived)
		for range len(p.arrived) {
			p.hand(<-p.arrived, arrived)
		}
	case <-p.woken:
	case <-timer.C:
	}
	return nil
}

func (p *poller) hand(a arrival, arrived func(*link, []byte, error)) {
	if p.links[a.link] != a.conn {
		return // it was closed meanwhile
	}
	if len(a.data) > 0 {
		arrived(a.link, a.data, nil)
	}
	if a.err != nil {
		arrived(a.link, nil, a.err)
	}
}

// close closes everything, and waits.
func (p *poller) close() {
	close(p.ended)
	for _, conn := range p.links {
		_ = conn.Close()
	}
	p.reading.Wait()
}
