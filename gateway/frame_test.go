package gateway_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/gateway"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// A message that is no frame ends the connection, and says why first.
func TestBrokenFrames(t *testing.T) {
	for name, tc := range map[string]struct {
		sub    string
		kind   int
		data   string
		code   int
		reason string
	}{
		"proto: nonsense":        {gateway.SubprotocolProto, websocket.BinaryMessage, "\xff\xff\xff", websocket.CloseInvalidFramePayloadData, "malformed"},
		"proto: cut short":       {gateway.SubprotocolProto, websocket.BinaryMessage, "\x08\x02\x2a\x10\x08", websocket.CloseInvalidFramePayloadData, "malformed"},
		"proto: string not utf8": {gateway.SubprotocolProto, websocket.BinaryMessage, "\x08\x02\x12\x04\x0a\x02\xff\xfe", websocket.CloseInvalidFramePayloadData, "malformed"},
		"proto: text message":    {gateway.SubprotocolProto, websocket.TextMessage, `{"seq":"2","ping":{}}`, websocket.CloseUnsupportedData, "wrong_message_type"},
		"json: not json":         {gateway.SubprotocolJSON, websocket.TextMessage, `{"seq":`, websocket.CloseInvalidFramePayloadData, "malformed"},
		"json: empty":            {gateway.SubprotocolJSON, websocket.TextMessage, ``, websocket.CloseInvalidFramePayloadData, "malformed"},
		"json: not utf8":         {gateway.SubprotocolJSON, websocket.TextMessage, "{\"seq\":\"2\",\"getPlayer\":{},\"x\":\"\xff\"}", websocket.CloseInvalidFramePayloadData, "malformed"},
		"json: two bodies":       {gateway.SubprotocolJSON, websocket.TextMessage, `{"seq":"2","ping":{},"getPlayer":{}}`, websocket.CloseInvalidFramePayloadData, "malformed"},
		"json: fraction":         {gateway.SubprotocolJSON, websocket.TextMessage, `{"seq":"2","buy":{"quantity":1.5}}`, websocket.CloseInvalidFramePayloadData, "malformed"},
		"json: too large":        {gateway.SubprotocolJSON, websocket.TextMessage, `{"seq":"2","buy":{"quantity":"9223372036854775808"}}`, websocket.CloseInvalidFramePayloadData, "malformed"},
		"json: negative request": {gateway.SubprotocolJSON, websocket.TextMessage, `{"seq":"2","buy":{"request":"-1"}}`, websocket.CloseInvalidFramePayloadData, "malformed"},
		"json: nested deep":      {gateway.SubprotocolJSON, websocket.TextMessage, strings.Repeat(`{"x":`, 500), websocket.CloseInvalidFramePayloadData, "malformed"},
		"json: binary message":   {gateway.SubprotocolJSON, websocket.BinaryMessage, "\x08\x02\x1a\x00", websocket.CloseUnsupportedData, "wrong_message_type"},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, nil)
			c := h.greeted(t, tc.sub, "ann")
			if err := c.ws.WriteMessage(tc.kind, []byte(tc.data)); err != nil {
				t.Fatal(err)
			}
			wantError(t, c.receive(), 0, clientv1.Code_CODE_INVALID_ARGUMENT)
			c.closed(tc.code)
			eventually(t, func() bool { return h.count(t, "closed_total", tc.reason) == 1 })
		})
	}
}

// A frame that can be read but not be done is refused, the connection kept, and
// no actor hears of it.
func TestInvalidRequests(t *testing.T) {
	long := strings.Repeat("x", 300)
	for name, tc := range map[string]struct {
		frame *clientv1.ClientFrame
		code  clientv1.Code
	}{
		"no body":             {&clientv1.ClientFrame{Seq: 5}, clientv1.Code_CODE_INVALID_ARGUMENT},
		"seq 0":               {ping(0), clientv1.Code_CODE_INVALID_ARGUMENT},
		"second Hello":        {&clientv1.ClientFrame{Seq: 5, Body: &clientv1.ClientFrame_Hello{Hello: &clientv1.Hello{Token: "x"}}}, clientv1.Code_CODE_INVALID_ARGUMENT},
		"buy: request 0":      {buy(5, 0, "sword", 1), clientv1.Code_CODE_INVALID_ARGUMENT},
		"buy: quantity 0":     {buy(5, 7, "sword", 0), clientv1.Code_CODE_INVALID_ARGUMENT},
		"buy: negative":       {buy(5, 7, "sword", -1), clientv1.Code_CODE_INVALID_ARGUMENT},
		"buy: huge":           {buy(5, 7, "sword", 1001), clientv1.Code_CODE_INVALID_ARGUMENT},
		"buy: max int64":      {buy(5, 7, "sword", 1<<63-1), clientv1.Code_CODE_INVALID_ARGUMENT},
		"buy: no sku":         {buy(5, 7, "", 1), clientv1.Code_CODE_INVALID_ARGUMENT},
		"buy: long sku":       {buy(5, 7, long, 1), clientv1.Code_CODE_INVALID_ARGUMENT},
		"buy: control chars":  {buy(5, 7, "sw\nord", 1), clientv1.Code_CODE_INVALID_ARGUMENT},
		"buy: negative price": {&clientv1.ClientFrame{Seq: 5, Body: &clientv1.ClientFrame_Buy{Buy: &clientv1.Buy{Request: 7, Sku: "sword", Quantity: 1, MaxPrice: -1}}}, clientv1.Code_CODE_INVALID_ARGUMENT},
		"call: shard":         {call(5, &clientv1.Call{Kind: "shard", Id: "7", Method: "audit"}), clientv1.Code_CODE_NOT_FOUND},
		"call: no kind":       {call(5, &clientv1.Call{Id: "7", Method: "Get"}), clientv1.Code_CODE_INVALID_ARGUMENT},
		"call: odd kind":      {call(5, &clientv1.Call{Kind: "Shard", Id: "7", Method: "Get"}), clientv1.Code_CODE_INVALID_ARGUMENT},
		"call: long kind":     {call(5, &clientv1.Call{Kind: "k" + long, Id: "7", Method: "Get"}), clientv1.Code_CODE_INVALID_ARGUMENT},
		"call: no id":         {call(5, &clientv1.Call{Kind: "guild", Method: "Get"}), clientv1.Code_CODE_INVALID_ARGUMENT},
		"call: long id":       {call(5, &clientv1.Call{Kind: "guild", Id: long, Method: "Get"}), clientv1.Code_CODE_INVALID_ARGUMENT},
		"call: no method":     {call(5, &clientv1.Call{Kind: "guild", Id: "7"}), clientv1.Code_CODE_INVALID_ARGUMENT},
		"call: long method":   {call(5, &clientv1.Call{Kind: "guild", Id: "7", Method: "M" + long}), clientv1.Code_CODE_INVALID_ARGUMENT},
		"enter: no zone":      {enter("", false, nil), clientv1.Code_CODE_INVALID_ARGUMENT},
		"enter: odd zone":     {enter("Plaza", false, nil), clientv1.Code_CODE_INVALID_ARGUMENT},
		"enter: wildcard":     {enter("*", false, nil), clientv1.Code_CODE_INVALID_ARGUMENT},
		"enter: long zone":    {enter(long, false, nil), clientv1.Code_CODE_INVALID_ARGUMENT},
		"enter: at NaN":       {enter("plaza", true, &clientv1.Point{X: math.NaN()}), clientv1.Code_CODE_INVALID_ARGUMENT},
		"leave: no zone":      {&clientv1.ClientFrame{Seq: 5, Body: &clientv1.ClientFrame_LeaveZone{LeaveZone: &clientv1.LeaveZone{}}}, clientv1.Code_CODE_INVALID_ARGUMENT},
		"intent: no action":   {intent(&clientv1.Intent{Zone: "plaza"}), clientv1.Code_CODE_INVALID_ARGUMENT},
		"intent: no zone":     {intent(steer("", 1, 1)), clientv1.Code_CODE_INVALID_ARGUMENT},
		"intent: NaN":         {intent(steer("plaza", math.NaN(), 1)), clientv1.Code_CODE_INVALID_ARGUMENT},
		"intent: infinite":    {intent(steer("plaza", 1, math.Inf(-1))), clientv1.Code_CODE_INVALID_ARGUMENT},
		"intent: nowhere":     {intent(&clientv1.Intent{Zone: "plaza", Action: &clientv1.Intent_Walk{Walk: &clientv1.Walk{}}}), clientv1.Code_CODE_INVALID_ARGUMENT},
		"say: no channel":     {say("", 1, "hi"), clientv1.Code_CODE_INVALID_ARGUMENT},
		"say: odd channel":    {say("player/ann", 1, "hi"), clientv1.Code_CODE_INVALID_ARGUMENT},
		"say: wildcard":       {say("zone/>", 1, "hi"), clientv1.Code_CODE_INVALID_ARGUMENT},
		"say: nothing":        {say("zone/plaza", 1, ""), clientv1.Code_CODE_INVALID_ARGUMENT},
		"say: too much":       {say("zone/plaza", 1, strings.Repeat("x", 501)), clientv1.Code_CODE_INVALID_ARGUMENT},
		"say: request 0":      {say("zone/plaza", 0, "hi"), clientv1.Code_CODE_INVALID_ARGUMENT},
		"who: odd channel":    {&clientv1.ClientFrame{Seq: 5, Body: &clientv1.ClientFrame_Who{Who: &clientv1.Who{Channel: "plaza"}}}, clientv1.Code_CODE_INVALID_ARGUMENT},
		"read: odd channel":   {&clientv1.ClientFrame{Seq: 5, Body: &clientv1.ClientFrame_ReadChat{ReadChat: &clientv1.ReadChat{Channel: "group/"}}}, clientv1.Code_CODE_INVALID_ARGUMENT},
		"join: odd group":     {joinGroup("a b"), clientv1.Code_CODE_INVALID_ARGUMENT},
		"leave: odd group":    {&clientv1.ClientFrame{Seq: 5, Body: &clientv1.ClientFrame_LeaveGroup{LeaveGroup: &clientv1.LeaveGroup{Group: "."}}}, clientv1.Code_CODE_INVALID_ARGUMENT},
		"watch: unknown sku":  {watch(5, "sword", "sphere"), clientv1.Code_CODE_NOT_FOUND},
		"watch: no sku":       {watch(5, ""), clientv1.Code_CODE_INVALID_ARGUMENT},
		"watch: too many":     {watch(5, strings.Split(strings.Repeat("sword,", 64)+"sword", ",")...), clientv1.Code_CODE_INVALID_ARGUMENT},
	} {
		for _, sub := range subprotocols {
			t.Run(sub+"/"+name, func(t *testing.T) {
				h := open(t, nil)
				c := h.greeted(t, sub, "ann")
				h.router.answer = func(cmd *cluster.Command) *cluster.Answer {
					t.Errorf("%s was asked %s", cmd.To, cmd.Method)
					return answerAtOnce(cmd)
				}
				wantError(t, c.ask(tc.frame), tc.frame.GetSeq(), tc.code)
				if f := c.ask(ping(6)); f.GetPong() == nil {
					t.Errorf("after it, a ping is answered by %v", f)
				}
			})
		}
	}
}

// A request that a newer client knows is refused, and not the client.
func TestUnknownBodies(t *testing.T) {
	for sub, frame := range map[string]string{
		gateway.SubprotocolProto: "\x08\x05\xa2\x06\x02\x08\x01", // seq 5, field 100 {1: 1}
		gateway.SubprotocolJSON:  `{"seq":"5","dance":{"with":"bob"}}`,
	} {
		t.Run(sub, func(t *testing.T) {
			h := open(t, nil)
			c := h.greeted(t, sub, "ann")
			kind := websocket.BinaryMessage
			if c.json {
				kind = websocket.TextMessage
			}
			if err := c.ws.WriteMessage(kind, []byte(frame)); err != nil {
				t.Fatal(err)
			}
			wantError(t, c.receive(), 5, clientv1.Code_CODE_INVALID_ARGUMENT)
			if f := c.ask(ping(6)); f.GetPong() == nil {
				t.Errorf("after it, a ping is answered by %v", f)
			}
			if n := h.count(t, "frames_in_total", "unknown"); n != 1 {
				t.Errorf("counted %v", n)
			}
		})
	}
}

// Every refusal of an actor reaches the client as it is.
func TestRefusals(t *testing.T) {
	for n := range clientv1.Code_name {
		code := clientv1.Code(n)
		if code == clientv1.Code_CODE_UNSPECIFIED {
			continue
		}
		for _, sub := range subprotocols {
			t.Run(sub+"/"+code.String(), func(t *testing.T) {
				h := open(t, nil)
				c := h.greeted(t, sub, "ann")
				h.router.answer = func(*cluster.Command) *cluster.Answer {
					return &cluster.Answer{Code: code, Text: "because", RetryAfterMs: 12}
				}
				e := wantError(t, c.ask(buy(2, 7, "sword", 1)), 2, code)
				if e.GetText() != "because" || e.GetRetryAfterMs() != 12 {
					t.Errorf("got %v", e)
				}
			})
		}
	}
}

// An answer that cannot be a reply is the cluster's fault, and not the
// connection's end.
func TestUnfitAnswers(t *testing.T) {
	for _, sub := range subprotocols {
		h := open(t, nil)
		c := h.greeted(t, sub, "ann")
		h.router.answer = func(*cluster.Command) *cluster.Answer { return &cluster.Answer{Body: &clientv1.Player{}} }
		wantError(t, c.ask(buy(2, 7, "sword", 1)), 2, clientv1.Code_CODE_INTERNAL)
		if f := c.ask(ping(3)); f.GetPong() == nil {
			t.Errorf("after it, a ping is answered by %v", f)
		}
	}
}

// What is against RFC 6455 ends the connection, and says so.
func TestProtocolErrors(t *testing.T) {
	const mask = "\x00\x00\x00\x00"
	for name, raw := range map[string]string{
		"no mask":                   "\x82\x04\x08\x02\x1a\x00",
		"reserved bit":              "\xc2\x80" + mask,
		"unknown opcode":            "\x83\x80" + mask,
		"unknown control opcode":    "\x8b\x80" + mask,
		"ping in fragments":         "\x09\x80" + mask,
		"long ping":                 "\x89\xfe\x00\x7e" + mask + strings.Repeat("x", 126),
		"continuation of nothing":   "\x80\x80" + mask,
		"message within a message":  "\x02\x81" + mask + "\x08\x82\x81" + mask + "\x08",
		"close with half a code":    "\x88\x81" + mask + "\x03",
		"close with a private code": "\x88\x82" + mask + "\x03\xee", // 1006 is never sent
		"close with a low code":     "\x88\x82" + mask + "\x00\x01",
		"close reason not UTF-8":    "\x88\x83" + mask + "\x03\xe8\xff",
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, nil)
			c := h.greeted(t, gateway.SubprotocolProto, "ann")
			if _, err := c.ws.NetConn().Write([]byte(raw)); err != nil {
				t.Fatal(err)
			}
			c.closed(websocket.CloseProtocolError)
			eventually(t, func() bool { return h.count(t, "closed_total", "protocol_error") == 1 })
		})
	}
}

// A message is one, in however many fragments, and whatever control frames come
// between them.
func TestFragments(t *testing.T) {
	h := open(t, nil)
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	const key = "\x01\x02\x03\x04"
	if _, err := c.ws.NetConn().Write([]byte(
		"\x02\x81" + key + "\x09" + // 08
			"\x89\x81" + key + "\x09" +
			"\x00\x80" + key +
			"\x80\x83" + key + "\x03\x18\x03" + // 02 1a 00
			"\x82\xfe\x00\x04" + key + "\x09\x01\x19\x04", // with a length that is longer than it need be
	)); err != nil {
		t.Fatal(err)
	}
	for _, seq := range []uint64{2, 3} {
		if f := c.receive(); f.GetPong() == nil || f.GetSeq() != seq {
			t.Errorf("got %v, want the pong to %d", f, seq)
		}
	}
}
