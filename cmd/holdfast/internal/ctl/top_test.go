package ctl

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
)

// terminal is a real one, of which a test sees what is written and presses the
// keys.
type terminal struct {
	keys, tty *os.File

	mu      sync.Mutex
	written bytes.Buffer
	news    chan struct{} // has a place for one
	done    chan struct{}
}

func openTerminal(t *testing.T) *terminal {
	t.Helper()
	keys, tty, err := pty.Open()
	if errors.Is(err, pty.ErrUnsupported) {
		t.Skip("this system has no pseudo terminals")
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(tty, &pty.Winsize{Cols: 100, Rows: 30}); err != nil {
		t.Fatal(err)
	}
	term := &terminal{keys: keys, tty: tty, news: make(chan struct{}, 1), done: make(chan struct{})}
	go func() {
		defer close(term.done)
		buf := make([]byte, 4096)
		for {
			n, err := keys.Read(buf)
			term.mu.Lock()
			term.written.Write(buf[:n])
			term.mu.Unlock()
			select {
			case term.news <- struct{}{}:
			default:
			}
			if err != nil {
				return // the terminal is closed
			}
		}
	}()
	t.Cleanup(func() {
		_ = tty.Close()
		_ = keys.Close()
		<-term.done
	})
	return term
}

// await waits until these texts were written since the last call. What does not
// change on a screen is not written again.
func (term *terminal) await(ctx context.Context, t *testing.T, texts ...string) {
	t.Helper()
	for {
		term.mu.Lock()
		got := term.written.String()
		missing := slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return strings.Contains(got, text) })
		if len(missing) == 0 {
			term.written.Reset()
		}
		term.mu.Unlock()
		if len(missing) == 0 {
			return
		}
		select {
		case <-term.news:
		case <-ctx.Done():
			t.Fatalf("%q was not written, but %q", missing, got)
		}
	}
}

func (term *terminal) press(t *testing.T, key string) {
	t.Helper()
	if _, err := term.keys.WriteString(key); err != nil {
		t.Fatal(err)
	}
}

// A node goes away while it is watched: the screen says so, and goes on with what
// another one tells.
func TestTopInATerminal(t *testing.T) {
	n := newCluster("a", "b")
	first := n.listen(t)
	second := n.listen(t)
	n.change(func() {
		n.nodes["a"].Node.AdminAddress = first.Listener.Addr().String()
		n.nodes["b"].Node.AdminAddress = second.Listener.Addr().String()
	})
	data := dataFolder(t, first.Listener.Addr().String())

	term := openTerminal(t)
	c := Command()
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs([]string{"top", "--interval=20ms", "--data", data})
	c.SetIn(term.tty)
	c.SetOut(term.tty)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- c.ExecuteContext(ctx) }()

	term.await(ctx, t, "2 nodes")
	term.press(t, "n")
	term.await(ctx, t, "by number")
	first.CloseClientConnections()
	first.Close()
	n.change(func() { delete(n.nodes, "a") })
	term.await(ctx, t, second.Listener.Addr().String(), "gone")
	term.press(t, "q")
	if err := <-ended; err != nil {
		t.Errorf("top ended with %v", err)
	}
}

// On a terminal there is a bar, which grows.
func TestProgressInATerminal(t *testing.T) {
	f := newCluster("a", "b")
	f.onLook = func(look int) {
		if look >= 3 && look < 7 {
			f.arrive(uint32(look-3), "b")
		}
	}
	term := openTerminal(t)
	c := Command()
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs([]string{"drain", "a", "--wait", "--data", f.run(t)})
	c.SetOut(new(bytes.Buffer))
	c.SetErr(term.tty)
	if err := c.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	term.await(ctx, t, "drain a", "(0/4", "(2/4", "(4/4", "█", "░")
}

func TestTopNeedsATerminal(t *testing.T) {
	n := newCluster("a")
	data := dataFolder(t, n.listen(t).Listener.Addr().String())
	for _, args := range [][]string{nil, {"--json"}, {"--interval=0s"}} {
		_, _, err := ctl(t, append([]string{"top", "--data", data}, args...)...)
		if exit.Status(err) != exit.Unusable {
			t.Errorf("%q: status %d (%v), want %d", args, exit.Status(err), err, exit.Unusable)
		}
	}
}

// What is wrong from the beginning is an error, and no screen.
func TestTopOfNobody(t *testing.T) {
	n := newCluster("a")
	server := n.listen(t)
	data := dataFolder(t, server.Listener.Addr().String())
	server.Close()
	term := openTerminal(t)
	c := Command()
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs([]string{"top", "--data", data})
	c.SetIn(term.tty)
	c.SetOut(term.tty)
	if err := c.ExecuteContext(t.Context()); exit.Status(err) != exit.Unavailable {
		t.Errorf("status %d (%v), want %d", exit.Status(err), err, exit.Unavailable)
	}
}
