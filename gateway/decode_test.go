package gateway

import (
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// FuzzDecode feeds messages to both decoders. Whatever decodes must be
// checkable, and mean the same when written and read again.
func FuzzDecode(f *testing.F) {
	for _, m := range []*clientv1.ClientFrame{
		{},
		{Seq: 1, Body: &clientv1.ClientFrame_Hello{Hello: &clientv1.Hello{Token: "a.b.c", Client: "x"}}},
		{Seq: 2, Body: &clientv1.ClientFrame_Buy{Buy: &clientv1.Buy{Request: 7, Sku: "sword", Quantity: 1, MaxPrice: 10}}},
		{Seq: 3, Body: &clientv1.ClientFrame_Call{Call: &clientv1.Call{Kind: "guild", Id: "owls", Method: "Join", Payload: []byte{1}}}},
		{Seq: 4, Body: &clientv1.ClientFrame_Watch{Watch: &clientv1.Watch{Skus: []string{"sword"}}}},
	} {
		binary, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(binary)
		json, err := protojson.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(json)
	}
	f.Add([]byte("\x08\x05\xa2\x06\x02\x08\x01"))
	f.Add([]byte(`{"seq":"5","dance":{"with":"bob"}}`))
	f.Add([]byte(`{"buy":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, c := range []codec{protoCodec{}, jsonCodec{}} {
			// A frame before it must leave no trace.
			m := &clientv1.ClientFrame{Seq: 99, Body: &clientv1.ClientFrame_Ping{Ping: &clientv1.Ping{}}}
			if err := c.decode(data, m); err != nil {
				continue
			}
			_ = frameTypeOf(m)
			switch b := m.GetBody().(type) {
			case *clientv1.ClientFrame_Buy:
				if validateBuy(b.Buy) == nil && (b.Buy.GetQuantity() < 1 || b.Buy.GetSku() == "" || b.Buy.GetRequest() == 0) {
					t.Errorf("accepted %v", b.Buy)
				}
			case *clientv1.ClientFrame_Call:
				if validateCall(b.Call) == nil && (b.Call.GetKind() == "" || b.Call.GetId() == "") {
					t.Errorf("accepted %v", b.Call)
				}
			}
			again, err := proto.Marshal(m)
			if err != nil {
				t.Fatalf("decoded what cannot be encoded: %v", err)
			}
			var same clientv1.ClientFrame
			if err := (protoCodec{}).decode(again, &same); err != nil || !proto.Equal(m, &same) {
				t.Errorf("%v became %v (%v)", m, &same, err)
			}
		}
	})
}
