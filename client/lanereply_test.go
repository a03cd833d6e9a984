package client

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

func TestAppendBuyIsProtobuf(t *testing.T) {
	for _, b := range []*clientv1.Buy{
		{},
		{Request: 1, Sku: "sword", Quantity: 1},
		{Request: 1 << 60, Sku: "s", Quantity: 1000, MaxPrice: 1 << 40},
		{Quantity: -1},
	} {
		frame := &clientv1.ClientFrame{Seq: 300, Body: &clientv1.ClientFrame_Buy{Buy: b}}
		want, err := proto.MarshalOptions{Deterministic: true}.Marshal(frame)
		if err != nil {
			t.Fatal(err)
		}
		got := appendBuy(nil, 300, b.Request, b.Sku, b.Quantity, b.MaxPrice)
		if string(got) != string(want) {
			t.Errorf("%v: got % x, want % x", b, got, want)
		}
	}
}

func TestBuyAllocatesNothing(t *testing.T) {
	frame, err := proto.Marshal(&clientv1.ServerFrame{Seq: 2, Body: &clientv1.ServerFrame_Bought{Bought: &clientv1.Bought{
		Order: &clientv1.Order{Id: "ann/1", Request: 1, Sku: "sword", Quantity: 1},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	var r Reply
	out := make([]byte, 0, 256)
	got := testing.AllocsPerRun(100, func() {
		out = appendBuy(out[:0], 2, 1, "sword", 1, 0)
		if err := r.scan(frame); err != nil {
			t.Error(err)
		}
	})
	if got != 0 {
		t.Errorf("got %v allocations for a request, want 0", got)
	}
}

// What the lane reads by hand is what the generated code reads.
func FuzzReplyScan(f *testing.F) {
	for _, m := range []*clientv1.ServerFrame{
		{Seq: 1, Body: &clientv1.ServerFrame_Error{Error: &clientv1.Error{Code: clientv1.Code_CODE_SOLD_OUT, Text: "no", RetryAfterMs: 5}}},
		{Seq: 1 << 40, Body: &clientv1.ServerFrame_Bought{Bought: &clientv1.Bought{Balance: -3, Order: &clientv1.Order{
			Id: "ann/7", Request: 7, Sku: "sword", Quantity: 3, Price: 30, Currency: "gold", State: clientv1.OrderState_ORDER_STATE_GRANTED,
		}}}},
		{Body: &clientv1.ServerFrame_Stock{Stock: &clientv1.StockLevel{Sku: "sword", Free: 1}}},
	} {
		data, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var r Reply
		scanErr := r.scan(data)
		var m clientv1.ServerFrame
		if err := proto.Unmarshal(data, &m); err != nil {
			return // must not panic, no more
		}
		canonical, err := proto.MarshalOptions{Deterministic: true}.Marshal(&m)
		if err != nil || !bytes.Equal(canonical, data) {
			return // no server writes it
		}
		if scanErr != nil {
			t.Fatalf("scan: %v, although protobuf reads % x", scanErr, data)
		}
		if r.Seq != m.Seq || r.Bought != (m.GetBought() != nil) || r.Refused != (m.GetError() != nil) {
			t.Errorf("got %+v, want %v", r, &m)
		}
		if e := m.GetError(); e != nil && (r.Code != e.Code || r.RetryAfterMs != e.RetryAfterMs) {
			t.Errorf("got %+v, want %v", r, &m)
		}
		o := m.GetBought().GetOrder()
		if string(r.OrderID) != o.GetId() || r.Request != o.GetRequest() || r.Quantity != o.GetQuantity() ||
			r.Price != o.GetPrice() || r.State != o.GetState() || r.Balance != m.GetBought().GetBalance() {
			t.Errorf("got %+v, want %v", r, &m)
		}
	})
}
