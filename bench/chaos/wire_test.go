package chaos

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// shortly is when nothing is expected to come.
const shortly = 50 * time.Millisecond

// echo answers each line with itself, and tells which lines it got.
func echo(t *testing.T) (addr string, got <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	lines := make(chan string, 100)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for in := bufio.NewScanner(c); in.Scan(); {
					lines <- in.Text()
					fmt.Fprintln(c, in.Text())
				}
			}()
		}
	}()
	return l.Addr().String(), lines
}

type lineConn struct {
	t *testing.T
	net.Conn
	in *bufio.Reader
}

func dialWire(t *testing.T, w *wire) *lineConn {
	t.Helper()
	c, err := net.Dial("tcp", w.address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &lineConn{t, c, bufio.NewReader(c)}
}

func (c *lineConn) send(line string) {
	c.t.Helper()
	if _, err := fmt.Fprintln(c, line); err != nil {
		c.t.Fatal(err)
	}
}

// read returns the next line, or why there is none.
func (c *lineConn) read(patience time.Duration) (string, error) {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	line, err := c.in.ReadString('\n')
	return line, err
}

func newWire(t *testing.T) (*wire, <-chan string) {
	t.Helper()
	addr, got := echo(t)
	all := newWires()
	t.Cleanup(all.close)
	var p ports
	t.Cleanup(p.release)
	listen, err := p.take()
	if err != nil {
		t.Fatal(err)
	}
	w, err := all.to("test", listen, addr)
	if err != nil {
		t.Fatal(err)
	}
	return w, got
}

func TestWireIsCutInOneDirection(t *testing.T) {
	for _, tc := range []struct {
		d        direction
		requests bool // come through
	}{{up, false}, {down, true}, {both, false}} {
		t.Run(string(tc.d), func(t *testing.T) {
			w, got := newWire(t)
			c := dialWire(t, w)
			c.send("one")
			if line, err := c.read(5 * time.Second); line != "one\n" {
				t.Fatalf("before: got %q, %v", line, err)
			}
			<-got
			if err := w.cut("x", tc.d); err != nil {
				t.Fatal(err)
			}
			c.send("two")
			if tc.requests {
				if line := <-got; line != "two" {
					t.Errorf("the server got %q, want the request", line)
				}
			}
			if line, err := c.read(shortly); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("got %q, %v while it was cut, want silence", line, err)
			}
			if !tc.requests && len(got) > 0 {
				t.Errorf("the server got %q through a wire that was cut", <-got)
			}
			if err := w.heal("x"); err != nil {
				t.Error(err)
			}
			// Bytes are missing on the old connection: it must not go on.
			if line, err := c.read(5 * time.Second); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("got %q, %v after it was healed, want the end", line, err)
			}
			again := dialWire(t, w)
			again.send("three")
			if line, err := again.read(5 * time.Second); line != "three\n" {
				t.Errorf("afterwards: got %q, %v", line, err)
			}
		})
	}
}

func TestWireLosesReplies(t *testing.T) {
	w, got := newWire(t)
	if err := w.dropReplies("x", 10*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	c := dialWire(t, w)
	c.send("one")
	if line := <-got; line != "one" {
		t.Errorf("the server got %q, want the request", line)
	}
	if line, err := c.read(5 * time.Second); err == nil || errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %q, %v, want a reset", line, err)
	}
	if err := w.heal("x"); err != nil {
		t.Error(err)
	}
	again := dialWire(t, w)
	again.send("two")
	if line, err := again.read(5 * time.Second); line != "two\n" {
		t.Errorf("afterwards: got %q, %v", line, err)
	}
}

func TestSlowWireLosesNothing(t *testing.T) {
	w, _ := newWire(t)
	c := dialWire(t, w)
	if err := w.slow("x", 30*time.Millisecond, 10*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	c.send("one")
	if line, err := c.read(5 * time.Second); line != "one\n" || time.Since(began) < 2*20*time.Millisecond {
		t.Errorf("got %q, %v after %s, want it slowly", line, err, time.Since(began))
	}
	c.send("two")
	if err := w.heal("x"); err != nil {
		t.Error(err)
	}
	if line, err := c.read(5 * time.Second); line != "two\n" {
		t.Errorf("got %q, %v, want what was under way", line, err)
	}
}

// Two faults may be at work on one wire, and are healed one by one.
func TestFaultsOfOneWireAreTold(t *testing.T) {
	w, _ := newWire(t)
	if err := errors.Join(w.slow("a", time.Millisecond, 0), w.cut("b", down)); err != nil {
		t.Fatal(err)
	}
	if err := w.heal("a"); err != nil {
		t.Error(err)
	}
	c := dialWire(t, w)
	c.send("one")
	if line, err := c.read(shortly); err == nil {
		t.Errorf("got %q through a wire that is still cut", line)
	}
	if err := w.heal("b"); err != nil {
		t.Error(err)
	}
}

// A peer that does not read must not hold up the change of a wire for ever.
func TestWireOfAStuckPeerCanBeChanged(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	all := newWires()
	defer all.close()
	var p ports
	defer p.release()
	listen, err := p.take()
	if err != nil {
		t.Fatal(err)
	}
	w, err := all.to("stuck", listen, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := dialWire(t, w)
	_ = c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
	for block := make([]byte, 1<<20); ; { // until nothing fits any more
		if _, err := c.Write(block); err != nil {
			break
		}
	}
	done := make(chan error, 1)
	go func() { done <- w.cut("x", both) }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the wire cannot be cut")
	}
	if err := w.heal("x"); err != nil {
		t.Error(err)
	}
	if again, err := net.Dial("tcp", w.address()); err != nil {
		t.Errorf("the wire accepts nobody any more: %v", err)
	} else {
		again.Close()
	}
}
