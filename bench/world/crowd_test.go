package world

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// ear is a listener that waits for what is to come.
type ear struct {
	sync.Mutex
	heard chan string
}

func (e *ear) arrived(_ *member, payload []byte, _ time.Time) { e.heard <- string(payload) }
func (e *ear) read(*member, int)                              {}
func (e *ear) left(*member, error)                            { e.heard <- "left" }

// talk is a server that hands its end of each connection over.
func talk(t *testing.T) (address string, conns chan *websocket.Conn) {
	t.Helper()
	conns = make(chan *websocket.Conn, 8)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := new(websocket.Upgrader).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		conns <- ws
	}))
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http"), conns
}

// Both kinds of crowds do the same.
func TestCrowds(t *testing.T) {
	for name, gather := range map[string]func(listener) (crowd, error){
		"here":       newCrowd,
		"goroutines": func(l listener) (crowd, error) { return newGoroutines(l), nil },
	} {
		t.Run(name, func(t *testing.T) {
			address, conns := talk(t)
			e := &ear{heard: make(chan string, 16)}
			c, err := gather(e)
			if err != nil {
				t.Fatal(err)
			}
			defer c.close()
			join := func() (*member, *websocket.Conn) {
				s, err := dialSocket(t.Context(), address, false)
				if err != nil {
					t.Fatal(err)
				}
				m := newMember(s, nil, e)
				if err := c.add(m); err != nil {
					t.Fatal(err)
				}
				ws := <-conns
				t.Cleanup(func() { ws.Close() })
				return m, ws
			}
			say := func(ws *websocket.Conn, text string) {
				t.Helper()
				if err := ws.WriteMessage(websocket.BinaryMessage, []byte(text)); err != nil {
					t.Fatal(err)
				}
			}
			expect := func(want string) {
				t.Helper()
				if got := <-e.heard; got != want {
					t.Errorf("got %.40q, want %.40q", got, want)
				}
			}
			a, toA := join()
			_, toB := join()
			say(toA, "hello")
			expect("hello")
			say(toB, string(bytes.Repeat([]byte("b"), 200_000)))
			expect(string(bytes.Repeat([]byte("b"), 200_000)))

			// Who is paused hears nothing, and all of it afterwards.
			if err := c.pause(a); err != nil {
				t.Fatal(err)
			}
			say(toA, "are you there?")
			say(toB, "you are")
			expect("you are")
			if err := c.resume(a); err != nil {
				t.Fatal(err)
			}
			expect("are you there?")

			// A ping is answered.
			pong := make(chan string, 1)
			toA.SetPongHandler(func(text string) error { pong <- text; return nil })
			go toA.NextReader()
			if err := toA.WriteControl(websocket.PingMessage, []byte("?"), time.Time{}); err != nil {
				t.Fatal(err)
			}
			if got := <-pong; got != "?" {
				t.Errorf("got a pong with %q", got)
			}

			_ = toB.Close()
			expect("left")
			c.remove(a)
			if err := c.pause(a); err == nil && name == "here" {
				t.Error("who was removed is paused")
			}
			late, err := dialSocket(t.Context(), address, false)
			if err != nil {
				t.Fatal(err)
			}
			defer (<-conns).Close()
			c.close()
			if err := c.add(newMember(late, nil, e)); err == nil {
				t.Error("a closed crowd has taken somebody in")
			}
		})
	}
}

func TestSocketsThatAreNone(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	address := "ws" + strings.TrimPrefix(s.URL, "http")
	if _, err := dialSocket(t.Context(), address, false); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v, want to hear how it was answered", err)
	}
	if _, err := dialSocket(t.Context(), "ws://127.0.0.1:1", false); err == nil {
		t.Error("connected to nobody")
	}
	if _, err := dialSocket(t.Context(), "ws://%", false); err == nil {
		t.Error("connected to nowhere")
	}
	// A server that does not answer does not hold us for ever.
	silent := httptest.NewUnstartedServer(nil)
	defer silent.Listener.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := dialSocket(ctx, "ws://"+silent.Listener.Addr().String(), false); err == nil || !strings.Contains(err.Error(), "deadline") {
		t.Errorf("got %v, want it to give up", err)
	}
}

func TestGatewaysTakeTurns(t *testing.T) {
	for i, want := range []string{"a", "b", "a"} {
		if got, gateway := rotate("a, b", i); got != want || gateway != i%2 {
			t.Errorf("viewer %d: got %q, number %d, want %q", i, got, gateway, want)
		}
	}
}
