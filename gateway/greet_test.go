package gateway_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/gateway"
	"github.com/holdfast-game/holdfast/gateway/auth"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

func TestHelloRefused(t *testing.T) {
	mint := func(secret []byte, expires time.Time) string {
		tok, err := auth.Mint(secret, auth.Grant{Player: "ann", Expires: expires})
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	hello := func(seq uint64, tok string) *clientv1.ClientFrame {
		return &clientv1.ClientFrame{Seq: seq, Body: &clientv1.ClientFrame_Hello{Hello: &clientv1.Hello{Token: tok}}}
	}
	good := mint(secret, time.Now().Add(time.Hour))
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	parts := strings.Split(good, ".")
	for name, tc := range map[string]struct {
		first *clientv1.ClientFrame
		code  clientv1.Code
	}{
		"no token":      {hello(9, ""), clientv1.Code_CODE_UNAUTHENTICATED},
		"nonsense":      {hello(9, "nonsense"), clientv1.Code_CODE_UNAUTHENTICATED},
		"expired":       {hello(9, mint(secret, time.Now().Add(-time.Minute))), clientv1.Code_CODE_UNAUTHENTICATED},
		"forged":        {hello(9, mint([]byte("another secret of thirty-two bytes"), time.Now().Add(time.Hour))), clientv1.Code_CODE_UNAUTHENTICATED},
		"alg none":      {hello(9, none+"."+parts[1]+"."), clientv1.Code_CODE_UNAUTHENTICATED},
		"signature cut": {hello(9, parts[0]+"."+parts[1]+"."), clientv1.Code_CODE_UNAUTHENTICATED},
		"not a Hello":   {ping(9), clientv1.Code_CODE_UNAUTHENTICATED},
		"no body":       {&clientv1.ClientFrame{Seq: 9}, clientv1.Code_CODE_UNAUTHENTICATED},
		"seq 0":         {hello(0, good), clientv1.Code_CODE_INVALID_ARGUMENT},
	} {
		for _, sub := range subprotocols {
			t.Run(sub+"/"+name, func(t *testing.T) {
				h := open(t, nil)
				c := h.connect(t, sub)
				wantError(t, c.ask(tc.first), tc.first.GetSeq(), tc.code)
				c.closed(websocket.ClosePolicyViolation)
				if n := h.count(t, "errors_total", strings.TrimPrefix(tc.code.String(), "CODE_")); n != 1 {
					t.Errorf("counted %v errors", n)
				}
				eventually(t, func() bool { return h.count(t, "closed_total", "unauthenticated") == 1 })
			})
		}
	}
}

func TestHelloTimeout(t *testing.T) {
	h := open(t, func(c *gateway.Config, _ *house) { c.HelloTimeout = 50 * time.Millisecond })
	c := h.connect(t, gateway.SubprotocolProto)
	wantError(t, c.receive(), 0, clientv1.Code_CODE_UNAUTHENTICATED)
	c.closed(websocket.ClosePolicyViolation)
	eventually(t, func() bool { return h.count(t, "closed_total", "hello_timeout") == 1 })
}

// Pings are not a Hello: they give no more time.
func TestHelloTimeoutWithPings(t *testing.T) {
	h := open(t, func(c *gateway.Config, _ *house) { c.HelloTimeout = 100 * time.Millisecond })
	c := h.connect(t, gateway.SubprotocolProto)
	ping := []byte{0x89, 0x80, 0, 0, 0, 0} // masked, empty
	stop := dribble(c.ws.NetConn(), []byte(strings.Repeat(string(ping), 1000)), 5*time.Millisecond)
	defer stop()
	wantError(t, c.receive(), 0, clientv1.Code_CODE_UNAUTHENTICATED)
	c.closed(websocket.ClosePolicyViolation)
}

// What the player actor says to Attach is what the client hears.
func TestAttachRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		answer *cluster.Answer
		code   clientv1.Code
		retry  uint64
	}{
		"unavailable": {&cluster.Answer{Code: clientv1.Code_CODE_UNAVAILABLE, RetryAfterMs: 300}, clientv1.Code_CODE_UNAVAILABLE, 300},
		"overloaded":  {&cluster.Answer{Code: clientv1.Code_CODE_OVERLOADED, RetryAfterMs: 20}, clientv1.Code_CODE_OVERLOADED, 20},
		"wrong type":  {&cluster.Answer{Body: &clientv1.Player{}}, clientv1.Code_CODE_INTERNAL, 0},
		"not proto":   {&cluster.Answer{Payload: []byte{0xff}}, clientv1.Code_CODE_INTERNAL, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, nil)
			h.router.answer = func(*cluster.Command) *cluster.Answer { return tc.answer }
			c := h.connect(t, gateway.SubprotocolProto)
			e := wantError(t, c.hello(token(t, "ann")), 1, tc.code)
			if e.GetRetryAfterMs() != tc.retry {
				t.Errorf("retry_after_ms is %d, want %d", e.GetRetryAfterMs(), tc.retry)
			}
			c.closed(websocket.CloseTryAgainLater)
		})
	}
}

func TestAttachIsOfThePlayer(t *testing.T) {
	h := open(t, nil)
	asked := make(chan cluster.Command, 1)
	h.router.answer = func(cmd *cluster.Command) *cluster.Answer {
		asked <- *cmd
		return answerAtOnce(cmd)
	}
	h.greeted(t, gateway.SubprotocolProto, "ann@game.example")
	cmd := <-asked
	if cmd.Method != "Attach" || cmd.To != (cluster.ActorID{Kind: "player", ID: "ann@game.example"}) ||
		cmd.Caller != (cluster.Caller{Player: "ann@game.example"}) {
		t.Errorf("asked %+v", cmd)
	}
}
