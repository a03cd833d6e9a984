package gateway_test

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/gateway"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

func TestRateLimit(t *testing.T) {
	h := open(t, func(c *gateway.Config, _ *house) { c.RequestsPerSecond, c.Burst = 0.1, 3 })
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	for seq := uint64(2); seq < 5; seq++ { // the Hello does not count
		if f := c.ask(ping(seq)); f.GetPong() == nil {
			t.Fatalf("request %d of a burst of 3 answered by %v", seq-1, f)
		}
	}
	var retry []uint64
	for seq := uint64(5); seq < 7; seq++ { // what is refused costs nothing of what will be allowed
		retry = append(retry, wantError(t, c.ask(buy(seq, 7, "sword", 1)), seq, clientv1.Code_CODE_RATE_LIMITED).GetRetryAfterMs())
	}
	for _, ms := range retry {
		if ms < 9_000 || ms > 10_000 {
			t.Errorf("retry_after_ms %v, want about 10,000 each", retry)
		}
	}
	// The next connection has a limit of its own.
	other := h.greeted(t, gateway.SubprotocolProto, "ann")
	if f := other.ask(ping(2)); f.GetPong() == nil {
		t.Error(f)
	}
}

// After the time that the refusal named, the request is let through.
func TestRateLimitRetry(t *testing.T) {
	h := open(t, func(c *gateway.Config, _ *house) { c.RequestsPerSecond, c.Burst = 50, 1 })
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	for seq := uint64(2); ; seq++ {
		e := c.ask(ping(seq)).GetError()
		if e == nil {
			continue
		}
		<-time.After(time.Duration(e.GetRetryAfterMs()) * time.Millisecond)
		if f := c.ask(ping(seq)); f.GetPong() == nil {
			t.Error(f)
		}
		return
	}
}

func TestMaxInFlight(t *testing.T) {
	h := open(t, func(c *gateway.Config, _ *house) { c.MaxInFlight = 2 })
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	h.router.answer = func(*cluster.Command) *cluster.Answer { return nil }
	c.send(buy(2, 7, "sword", 1))
	c.send(buy(3, 8, "sword", 1))
	e := wantError(t, c.ask(buy(4, 9, "sword", 1)), 4, clientv1.Code_CODE_OVERLOADED)
	if e.GetRetryAfterMs() == 0 {
		t.Error("no retry_after_ms")
	}
	if f := c.ask(ping(5)); f.GetPong() == nil { // needs no answer of an actor
		t.Error(f)
	}
	h.router.answerAll(func(cmd *cluster.Command) *cluster.Answer { return &cluster.Answer{Body: bought(cmd)} })
	for range 2 {
		if f := c.receive(); f.GetBought() == nil {
			t.Error(f)
		}
	}
	h.router.answer = answerAtOnce
	if f := c.ask(buy(6, 9, "sword", 1)); f.GetBought() == nil {
		t.Error(f)
	}
}

func TestMaxMessageBytes(t *testing.T) {
	h := open(t, nil)
	for _, sub := range subprotocols {
		t.Run(sub, func(t *testing.T) {
			c := h.greeted(t, sub, "ann")
			fits := call(2, &clientv1.Call{Kind: "guild", Id: "owls", Method: "Join", Payload: bytes.Repeat([]byte("x"), 2900)})
			wantError(t, c.ask(fits), 2, clientv1.Code_CODE_NOT_FOUND)
			tooBig := call(3, &clientv1.Call{Kind: "guild", Id: "owls", Method: "Join", Payload: bytes.Repeat([]byte("x"), 64<<10)})
			c.send(tooBig)
			c.closed(websocket.CloseMessageTooBig)
		})
	}
	eventually(t, func() bool { return h.count(t, "closed_total", "message_too_big") == 2 })
}

// A message in many fragments counts as one, also when it ends just past the
// limit.
func TestMaxMessageBytesFragmented(t *testing.T) {
	h := open(t, nil)
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	raw := c.ws.NetConn()
	fragment := append([]byte{0x02, 0x80 | 64, 0, 0, 0, 0}, make([]byte, 64)...) // binary, not final
	for range 65 {
		if _, err := raw.Write(fragment); err != nil {
			t.Fatal(err)
		}
		fragment[0] = 0x00 // continuation, not final
	}
	c.closed(websocket.CloseMessageTooBig)
}

// Whoever begins a message has to finish it soon.
func TestDribble(t *testing.T) {
	pingFrame := "\x89\x80\x00\x00\x00\x00"
	for name, tc := range map[string]struct {
		first string // sent at once
		then  string // sent a byte at a time
	}{
		"header":                         {"\x82", strings.Repeat("\x80", 1)},
		"payload":                        {"\x82\xfe\x0f\x00\x00\x00\x00\x00", strings.Repeat("x", 3840)},
		"begun behind a whole frame":     {"\x82\x84\x00\x00\x00\x00\x08\x02\x1a\x00\x82", ""},
		"control frame":                  {"\x89\xfd\x00\x00\x00\x00", strings.Repeat("x", 120)},
		"pings between the fragments":    {"\x02\x81\x00\x00\x00\x00\x08", strings.Repeat(pingFrame, 500)},
		"a byte and then nothing at all": {"\x82", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, func(c *gateway.Config, _ *house) { c.FrameTimeout = 80 * time.Millisecond })
			c := h.greeted(t, gateway.SubprotocolProto, "ann")
			_ = c.ws.SetReadDeadline(time.Now().Add(5 * time.Second))
			raw := c.ws.NetConn()
			if _, err := raw.Write([]byte(tc.first)); err != nil {
				t.Fatal(err)
			}
			stop := dribble(raw, []byte(tc.then), 4*time.Millisecond)
			defer stop()
			c.closed(websocket.ClosePolicyViolation)
			eventually(t, func() bool { return h.count(t, "closed_total", "frame_timeout") == 1 })
		})
	}
}

// One that does finish in time may do so in as many pieces as it likes.
func TestPiecemeal(t *testing.T) {
	h := open(t, nil)
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	stop := dribble(c.ws.NetConn(), []byte("\x82\x84\x00\x00\x00\x00\x08\x02\x1a\x00"), time.Millisecond)
	defer stop()
	if f := c.receive(); f.GetPong() == nil || f.GetSeq() != 2 {
		t.Error(f)
	}
}

func TestPongTimeout(t *testing.T) {
	h := open(t, func(c *gateway.Config, _ *house) {
		c.PingInterval, c.PongWait = 20*time.Millisecond, 80*time.Millisecond
	})
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	c.ws.SetPingHandler(func(string) error { return nil })
	c.closed(websocket.ClosePolicyViolation)
	eventually(t, func() bool { return h.count(t, "closed_total", "pong_timeout") == 1 })
}

// A client that is silent but answers pings stays.
func TestPongs(t *testing.T) {
	h := open(t, func(c *gateway.Config, _ *house) {
		c.PingInterval, c.PongWait = 50*time.Millisecond, 500*time.Millisecond
	})
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	pings, answer := 0, c.ws.PingHandler()
	enough := errors.New("enough")
	c.ws.SetPingHandler(func(data string) error {
		if pings++; pings == 20 { // 1 s, twice PongWait
			return enough
		}
		return answer(data)
	})
	if _, _, err := c.ws.ReadMessage(); !errors.Is(err, enough) {
		t.Errorf("after %d pings: %v", pings, err)
	}
}

// The gateway answers pings of the client with what they carry.
func TestClientPing(t *testing.T) {
	h := open(t, nil)
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	pong := errors.New("pong")
	var got string
	c.ws.SetPongHandler(func(data string) error { got = data; return pong })
	if err := c.ws.WriteControl(websocket.PingMessage, []byte("abc"), time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.ws.ReadMessage(); !errors.Is(err, pong) || got != "abc" {
		t.Errorf("got %q, %v", got, err)
	}
}

// narrow leaves no room in the sockets, so that a client that does not read is
// soon felt.
func narrow(c *gateway.Config, h *house) {
	h.wrap = func(c *net.TCPConn) net.Conn { _ = c.SetWriteBuffer(4 << 10); return c }
	for i := range 400 {
		sku := strings.Repeat("x", 100) + string(rune('a'+i%26)) + string(rune('a'+i/26))
		h.catalog[sku] = product(sku)
	}
	c.CloseGrace = 50 * time.Millisecond
}

func (h *house) greetedNarrow(t testing.TB) *wsClient {
	t.Helper()
	d := websocket.Dialer{
		Subprotocols: []string{gateway.SubprotocolProto},
		NetDialContext: (&net.Dialer{Control: func(_, _ string, rc syscall.RawConn) error {
			var err error
			if e := rc.Control(func(fd uintptr) {
				err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10)
			}); e != nil {
				return e
			}
			return err
		}}).DialContext,
	}
	ws, _, err := d.Dial(h.url(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.Close() })
	c := &wsClient{t: t, ws: ws}
	if f := c.hello(token(t, "ann")); f.GetWelcome() == nil {
		t.Fatal(f)
	}
	return c
}

func listCatalog(seq uint64) *clientv1.ClientFrame {
	return &clientv1.ClientFrame{Seq: seq, Body: &clientv1.ClientFrame_ListCatalog{ListCatalog: &clientv1.ListCatalog{}}}
}

// A client that does not read what it asked for is cut off after a while.
func TestWriteTimeout(t *testing.T) {
	h := open(t, func(c *gateway.Config, h *house) { narrow(c, h); c.WriteTimeout = 100 * time.Millisecond })
	c := h.greetedNarrow(t)
	for seq := uint64(2); seq < 12; seq++ {
		c.send(listCatalog(seq))
	}
	eventually(t, func() bool { return h.count(t, "closed_total", "write_timeout") == 1 })
}

// A client that keeps asking without reading is cut off sooner.
func TestSendQueueFull(t *testing.T) {
	h := open(t, narrow)
	c := h.greetedNarrow(t)
	for seq := uint64(2); seq < 302; seq++ { // more than the writer takes, and as many wait
		c.send(listCatalog(seq))
	}
	eventually(t, func() bool { return h.count(t, "closed_total", "send_queue_full") == 1 })
	if h.count(t, "send_queue_full_total", "") == 0 {
		t.Error("the metric does not show it")
	}
}

// A client that pipelines more than the queue holds, and reads, gets it all.
func TestPipelining(t *testing.T) {
	h := open(t, nil)
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	const n = 5000
	go func() {
		for seq := uint64(2); seq < n+2; seq++ {
			data := []byte{0x08, byte(seq&0x7f) | 0x80, byte(seq >> 7), 0x1a, 0x00}
			if c.ws.WriteMessage(websocket.BinaryMessage, data) != nil {
				return
			}
		}
	}()
	for seq := uint64(2); seq < n+2; seq++ {
		if f := c.receive(); f.GetPong() == nil || f.GetSeq() != seq {
			t.Fatalf("got %v, want the pong to %d", f, seq)
		}
	}
}
