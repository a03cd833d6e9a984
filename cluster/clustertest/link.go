package clustertest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Link is a network between clients and etcd that can be cut.
type Link struct {
	listener net.Listener
	wg       sync.WaitGroup

	mu     sync.Mutex
	target string // "" while cut
	conns  map[net.Conn]struct{}
}

// newLink relays to target until the test ends.
func newLink(t testing.TB, target string) *Link {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &Link{listener: ln, target: target, conns: make(map[net.Conn]struct{})}
	l.wg.Go(l.accept)
	t.Cleanup(func() {
		_ = ln.Close()
		l.Cut()
		l.wg.Wait()
	})
	return l
}

// Addr is the host:port for clients behind the link.
func (l *Link) Addr() string { return l.listener.Addr().String() }

// Cut breaks all connections, and refuses new ones until Heal.
func (l *Link) Cut() { l.point("") }

func (l *Link) point(target string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.target = target
	for c := range l.conns {
		_ = c.Close()
	}
	clear(l.conns)
}

func (l *Link) accept() {
	for {
		in, err := l.listener.Accept()
		if err != nil {
			return // The test has ended.
		}
		l.wg.Go(func() { l.relay(in) })
	}
}

func (l *Link) relay(in net.Conn) {
	defer in.Close()
	out, ok := l.dial(in)
	if !ok {
		return
	}
	defer out.Close()
	l.wg.Go(func() {
		_, _ = io.Copy(out, in)
		_ = out.Close()
	})
	_, _ = io.Copy(in, out)
}

// dial connects to the target, and files both connections to be cut.
func (l *Link) dial(in net.Conn) (net.Conn, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.target == "" {
		return nil, false
	}
	out, err := net.Dial("tcp", l.target)
	if err != nil {
		return nil, false
	}
	l.conns[in], l.conns[out] = struct{}{}, struct{}{}
	return out, true
}
