package gateway_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/gateway"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

func TestDrain(t *testing.T) {
	h := open(t, nil)
	idle := h.greeted(t, gateway.SubprotocolJSON, "ann")
	busy := h.greeted(t, gateway.SubprotocolProto, "bob")
	h.router.answer = func(*cluster.Command) *cluster.Answer { return nil }
	busy.send(buy(2, 7, "sword", 1))
	<-h.router.asked

	drained := make(chan error, 1)
	go func() { drained <- h.Drain(context.Background()) }()

	idle.closed(websocket.CloseGoingAway)
	if c, err := net.Dial("tcp", h.addr); err == nil {
		c.Close()
		t.Error("a draining gateway accepts")
	}
	// The busy one goes on until it has its answer, but begins nothing new, and is
	// not told of an error either.
	busy.send(buy(3, 8, "sword", 1))
	select {
	case err := <-drained:
		t.Fatalf("drained (%v) before the last answer", err)
	default:
	}
	h.router.answerAll(func(cmd *cluster.Command) *cluster.Answer { return &cluster.Answer{Body: bought(cmd)} })
	before := busy.closed(websocket.CloseGoingAway)
	if len(before) != 1 || before[0].GetBought().GetOrder().GetRequest() != 7 {
		t.Errorf("before the close came %v", before)
	}
	if len(h.router.asked) > 0 {
		t.Error("a request that came while the gateway drained was begun")
	}
	if err := <-drained; err != nil {
		t.Errorf("Drain: %v", err)
	}
	if n := h.count(t, "closed_total", "drained"); n != 2 {
		t.Errorf("counted %v", n)
	}
}

// What is never answered does not hold a drain up for ever.
func TestDrainDeadline(t *testing.T) {
	h := open(t, func(c *gateway.Config, _ *house) { c.CloseGrace = 20 * time.Millisecond })
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	h.router.answer = func(*cluster.Command) *cluster.Answer { return nil }
	c.send(buy(2, 7, "sword", 1))
	<-h.router.asked
	ctx, cancel := context.WithCancelCause(context.Background())
	tooLong := errors.New("too long")
	cancel(tooLong)
	if err := h.Drain(ctx); !errors.Is(err, tooLong) {
		t.Errorf("Drain: %v", err)
	}
	c.closed(websocket.CloseGoingAway)
	// An answer that comes after the end finds nobody.
	h.router.answerAll(func(cmd *cluster.Command) *cluster.Answer { return &cluster.Answer{Body: bought(cmd)} })
}

// Those that are only being greeted are let go at once.
func TestDrainDuringHello(t *testing.T) {
	h := open(t, func(c *gateway.Config, _ *house) { c.CloseGrace = 20 * time.Millisecond })
	silent := h.connect(t, gateway.SubprotocolProto)
	attaching := h.connect(t, gateway.SubprotocolProto)
	h.router.answer = func(*cluster.Command) *cluster.Answer { return nil }
	attaching.send(&clientv1.ClientFrame{Seq: 1, Body: &clientv1.ClientFrame_Hello{Hello: &clientv1.Hello{Token: token(t, "ann")}}})
	<-h.router.asked
	if err := h.Drain(context.Background()); err != nil {
		t.Error(err)
	}
	silent.closed(websocket.CloseGoingAway)
	attaching.closed(websocket.CloseGoingAway)
}

// The end of Serve's context is a Close.
func TestServeContext(t *testing.T) {
	h := open(t, nil)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- h.Serve(ctx, ln) }()
	cancel()
	c.closed(websocket.CloseGoingAway)
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// A client that closes gets its close back.
func TestClientCloses(t *testing.T) {
	for name, tc := range map[string]struct {
		payload []byte
		echo    int
	}{
		"with a code":    {websocket.FormatCloseMessage(websocket.CloseGoingAway, "bye"), websocket.CloseGoingAway},
		"without a code": {nil, websocket.CloseNormalClosure},
		"with nonsense":  {[]byte{0x03, 0xed}, websocket.CloseProtocolError}, // 1005 is never sent
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, nil)
			c := h.greeted(t, gateway.SubprotocolProto, "ann")
			if err := c.ws.WriteControl(websocket.CloseMessage, tc.payload, time.Now().Add(time.Second)); err != nil {
				t.Fatal(err)
			}
			c.closed(tc.echo)
		})
	}
}

// One that just goes away is noticed.
func TestClientGone(t *testing.T) {
	h := open(t, nil)
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	_ = c.ws.NetConn().Close()
	eventually(t, func() bool { return h.count(t, "closed_total", "client_gone") == 1 })
	if n := h.count(t, "connections", ""); n != 0 {
		eventually(t, func() bool { return h.count(t, "connections", "") == 0 })
	}
}

// A client that has been told to go, and does not, is cut off.
func TestCloseGrace(t *testing.T) {
	h := open(t, func(c *gateway.Config, _ *house) { c.CloseGrace = 50 * time.Millisecond })
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	if err := c.ws.WriteMessage(websocket.TextMessage, []byte("x")); err != nil {
		t.Fatal(err)
	}
	// Nothing reads or closes at this end.
	eventually(t, func() bool { return h.count(t, "closed_total", "wrong_message_type") == 1 })
}
