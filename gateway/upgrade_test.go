package gateway_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/holdfast-game/holdfast/gateway"
)

func TestUpgradeRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		change       func(*gateway.Config, *house)
		path         string
		subprotocols []string
		header       http.Header
		status       int
		text         string
	}{
		"no subprotocol":      {path: gateway.Path, status: 400, text: "offer the WebSocket subprotocol holdfast.v1.proto or holdfast.v1.json"},
		"other subprotocol":   {path: gateway.Path, subprotocols: []string{"holdfast.v2.proto", "chat"}, status: 400, text: "offer the WebSocket subprotocol"},
		"other path":          {path: "/v1/ws/", subprotocols: subprotocols, status: 404, text: "not found"},
		"root":                {path: "/", subprotocols: subprotocols, status: 404, text: "not found"},
		"foreign origin":      {path: gateway.Path, subprotocols: subprotocols, header: http.Header{"Origin": {"https://evil.example"}}, status: 403, text: "origin"},
		"origin not in list":  {change: origins("https://game.example"), path: gateway.Path, subprotocols: subprotocols, header: http.Header{"Origin": {"https://game.example.evil.example"}}, status: 403, text: "origin"},
		"own origin not list": {change: origins("https://game.example"), path: gateway.Path, subprotocols: subprotocols, header: http.Header{"Origin": {"null"}}, status: 403, text: "origin"},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, tc.change)
			d := websocket.Dialer{Subprotocols: tc.subprotocols}
			ws, resp, err := d.Dial("ws://"+h.addr+tc.path, tc.header)
			if err == nil {
				ws.Close()
				t.Fatal("was upgraded")
			}
			if resp == nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != tc.status || !strings.Contains(string(body), tc.text) {
				t.Errorf("answered %d %q, want %d with %q", resp.StatusCode, body, tc.status, tc.text)
			}
		})
	}
}

func origins(list ...string) func(*gateway.Config, *house) {
	return func(c *gateway.Config, _ *house) { c.Origins = list }
}

func TestOriginAllowed(t *testing.T) {
	for name, tc := range map[string]struct {
		allowed []string
		origin  string // "own" stands for the gateway's own
	}{
		"own":    {nil, "own"},
		"none":   {[]string{"https://game.example"}, ""},
		"listed": {[]string{"https://a.example", "https://game.example"}, "https://game.example"},
		"any":    {[]string{"*"}, "https://evil.example"},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, origins(tc.allowed...))
			header := http.Header{}
			switch tc.origin {
			case "":
			case "own":
				header.Set("Origin", "http://"+h.addr)
			default:
				header.Set("Origin", tc.origin)
			}
			d := websocket.Dialer{Subprotocols: subprotocols}
			ws, _, err := d.Dial(h.url(), header)
			if err != nil {
				t.Fatal(err)
			}
			ws.Close()
		})
	}
}

// Asked for both, the gateway takes the cheaper one.
func TestSubprotocolPreference(t *testing.T) {
	h := open(t, nil)
	d := websocket.Dialer{Subprotocols: []string{"chat", gateway.SubprotocolJSON, gateway.SubprotocolProto}}
	ws, _, err := d.Dial(h.url(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	if ws.Subprotocol() != gateway.SubprotocolProto {
		t.Errorf("got %q", ws.Subprotocol())
	}
}

func TestMaxConnections(t *testing.T) {
	h := open(t, func(c *gateway.Config, _ *house) { c.MaxConnections = 2 })
	first := h.greeted(t, gateway.SubprotocolProto, "ann")
	h.greeted(t, gateway.SubprotocolProto, "ann") // a second connection of a player is allowed
	d := websocket.Dialer{Subprotocols: subprotocols}
	_, resp, err := d.Dial(h.url(), nil)
	if err == nil || resp == nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Fatalf("third connection: %v %+v", err, resp)
	}
	// The place of one that leaves is free again.
	first.ws.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""))
	first.closed(websocket.CloseNormalClosure)
	first.ws.Close()
	eventually(t, func() bool { return h.count(t, "connections", "") == 1 })
	h.greeted(t, gateway.SubprotocolProto, "ann")
}

func TestMaxHandshakes(t *testing.T) {
	h := open(t, func(c *gateway.Config, _ *house) { c.MaxHandshakes = 2 })
	first := h.connect(t, gateway.SubprotocolProto) // upgraded, silent
	second, err := net.Dial("tcp", h.addr)          // not even upgraded
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	third, err := net.Dial("tcp", h.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	if n, err := third.Read(make([]byte, 1)); err == nil {
		t.Fatalf("read %d bytes from a connection too many", n)
	}
	// One that is greeted makes room, once the server has noticed that the third
	// is closed.
	if f := first.hello(token(t, "ann")); f.GetWelcome() == nil {
		t.Fatal(f)
	}
	d := websocket.Dialer{Subprotocols: subprotocols}
	eventually(t, func() bool {
		ws, _, err := d.Dial(h.url(), nil)
		if err == nil {
			ws.Close()
		}
		return err == nil
	})
}

// A client that never finishes its HTTP request is cut off, however busily it
// sends.
func TestSlowHeader(t *testing.T) {
	h := open(t, func(c *gateway.Config, _ *house) { c.HeaderTimeout = 100 * time.Millisecond })
	c, err := net.Dial("tcp", h.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	stop := dribble(c, []byte("GET "+gateway.Path+" HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("x", 10_000)), 10*time.Millisecond)
	defer stop()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.ReadAll(c); err != nil && isTimeout(err) {
		t.Fatal("the connection is still open")
	}
}

func TestLongHeader(t *testing.T) {
	h := open(t, nil)
	c, err := net.Dial("tcp", h.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() {
		_, _ = io.WriteString(c, "GET "+gateway.Path+" HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("x", 64<<10)+"\r\n\r\n")
	}()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answered %s", resp.Status)
	}
}

// dribble writes one byte at a time until it is stopped or the connection ends.
func dribble(c net.Conn, data []byte, pause time.Duration) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for i := range data {
			if _, err := c.Write(data[i : i+1]); err != nil {
				return
			}
			select {
			case <-tick.C:
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit); <-done }
}

func isTimeout(err error) bool {
	ne, ok := err.(net.Error)
	return ok && ne.Timeout()
}

// eventually waits for what happens behind the client's back.
func eventually(t testing.TB, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("did not happen within 10 s")
		}
	}
}
