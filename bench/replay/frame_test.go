package replay

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

func encoded(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhatIsReadByHandIsWhatTheProtocolHas(t *testing.T) {
	buy := &clientv1.ClientFrame{Seq: 300, Body: &clientv1.ClientFrame_Buy{Buy: &clientv1.Buy{Request: 7, Sku: "a", Quantity: 2, MaxPrice: 9}}}
	seq, field, body, err := splitFrame(encoded(t, buy))
	if err != nil || seq != 300 || field != fieldBuy {
		t.Fatalf("got %d, %d, %v, want a Buy numbered 300", seq, field, err)
	}
	b := readBuy(body)
	if b.request != 7 || string(b.sku) != "a" || b.quantity != 2 || b.maxPrice != 9 {
		t.Errorf("got %+v", b)
	}
	if again := appendBuy(nil, b); !bytes.Equal(again, body) {
		t.Errorf("encoded as %x, want %x", again, body)
	}
	order := &clientv1.Order{Id: "p/7", Request: 7, Sku: "a", Quantity: 2, Price: 8, Currency: "gold", State: clientv1.OrderState_ORDER_STATE_GRANTED}
	_, field, body, _ = splitFrame(encoded(t, &clientv1.ServerFrame{Seq: 1, Body: &clientv1.ServerFrame_Bought{Bought: &clientv1.Bought{Order: order, Balance: 5}}}))
	got, o := readAnswer(fieldBuy, field, body)
	if got != (answer{done, 8}) || string(o.id) != "p/7" || o.request != 7 || string(o.sku) != "a" || o.quantity != 2 || string(o.currency) != "gold" {
		t.Errorf("got %+v, %+v", got, o)
	}
	_, field, body, _ = splitFrame(encoded(t, &clientv1.ServerFrame{Seq: 1, Body: &clientv1.ServerFrame_Error{Error: &clientv1.Error{Code: clientv1.Code_CODE_LIMIT_REACHED}}}))
	if got, _ := readAnswer(fieldBuy, field, body); got.outcome.name(fieldBuy) != "refused: limit reached" {
		t.Errorf("got %q", got.outcome.name(fieldBuy))
	}
	_, field, body, _ = splitFrame(encoded(t, &clientv1.ServerFrame{Body: &clientv1.ServerFrame_Welcome{Welcome: &clientv1.Welcome{NextRequest: 12}}}))
	if field != fieldWelcome || readNextRequest(body) != 12 {
		t.Errorf("got %d, %d", field, readNextRequest(body))
	}
	call := &clientv1.Call{Kind: "player", Id: "old", Method: "m", Payload: []byte{1}}
	_, field, body, _ = splitFrame(encoded(t, &clientv1.ClientFrame{Body: &clientv1.ClientFrame_Call{Call: call}}))
	if field != fieldCall || readCallee(body) != "old" || readCallee(withCallee(body, "somebody")) != "somebody" {
		t.Errorf("got %d, %q", field, readCallee(body))
	}
	for field, name := range map[kind]string{fieldHello: "hello", fieldBuy: "buy", fieldWatch: "watch", fieldCall: "call", fieldResync: "resync"} {
		if field.String() != name {
			t.Errorf("field %d is %q, want %q", field, field, name)
		}
	}
	if _, field, _, _ := splitFrame(encoded(t, &clientv1.ServerFrame{Body: &clientv1.ServerFrame_Catalog{Catalog: new(clientv1.Catalog)}})); field != fieldCatalog {
		t.Errorf("a Catalog is field %d", field)
	}
}

func TestMessagesInAnyPieces(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var wire []byte
	var want [][]byte
	for _, size := range []int{0, 1, 125, 126, 1000, 1<<16 - 1, 1 << 16, 70000} {
		payload := bytes.Repeat([]byte{byte(size)}, size)
		frame := finish(append(make([]byte, maxHead), payload...), opBinary)
		// A server does not mask: without the bit and the four bytes of the mask.
		head := len(frame) - size
		frame[1] &^= 0x80
		wire = append(append(wire, frame[:head-4]...), payload...)
		want = append(want, payload)
	}
	var u unframer
	var got [][]byte
	for len(wire) > 0 {
		n := min(1+random.IntN(5000), len(wire))
		err := u.feed(wire[:n], func(opcode byte, payload []byte) error {
			got = append(got, bytes.Clone(payload))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		wire = wire[n:]
	}
	if len(got) != len(want) {
		t.Fatalf("got %d messages, want %d", len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("message %d has %d bytes, want %d", i, len(got[i]), len(want[i]))
		}
	}
	if err := new(unframer).feed([]byte{0x82, 0x80, 0, 0, 0, 0}, nil); err == nil {
		t.Error("a masked message of a server was taken")
	}
}

func TestFragments(t *testing.T) {
	var u unframer
	var got string
	take := func(_ byte, payload []byte) error { got += string(payload) + ";"; return nil }
	if err := u.feed([]byte{0x02, 1, 'a', 0x89, 1, 'p', 0x00, 1, 'b', 0x80, 1, 'c'}, take); err != nil || got != "p;abc;" {
		t.Errorf("got %q, %v, want the ping in between and then the message", got, err)
	}
}

func TestAgendaIsInOrder(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var a agenda
	all := make([]*player, 500)
	for i := range all {
		all[i] = &player{place: -1, wake: time.Duration(random.IntN(1000))}
		a.set(all[i])
	}
	for range 2000 {
		p := all[random.IntN(len(all))]
		if random.IntN(4) == 0 {
			a.drop(p)
			continue
		}
		p.wake = time.Duration(random.IntN(1000))
		a.set(p)
	}
	for last := time.Duration(-1); len(a) > 0; a.drop(a[0]) {
		if a[0].wake < last {
			t.Fatalf("%v comes behind %v", a[0].wake, last)
		}
		last = a[0].wake
	}
}
