package gateway_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

func TestWelcome(t *testing.T) {
	h := open(t, nil)
	for _, sub := range subprotocols {
		t.Run(sub, func(t *testing.T) {
			c := h.connect(t, sub)
			w := c.hello(token(t, "ann")).GetWelcome()
			if w.GetPlayer() != "ann" || w.GetSession() == "" || w.GetNextRequest() != 7 || w.GetServerTime() == nil {
				t.Errorf("Welcome is %v", w)
			}
			want := &clientv1.Limits{MaxMessageBytes: 4096, PingIntervalMs: 15000, MaxWatchedSkus: 64, MaxInFlight: 64, MaxZones: 4, MaxGroups: 8, MaxChatBytes: 500}
			if !proto.Equal(w.GetLimits(), want) {
				t.Errorf("limits are %v, want %v", w.GetLimits(), want)
			}
		})
	}
}

// What an actor answers arrives, whether it came decoded from this process or
// encoded from another.
func TestRequests(t *testing.T) {
	remote := func(a *cluster.Answer) *cluster.Answer {
		if a.Body == nil {
			return a
		}
		payload, err := proto.Marshal(a.Body)
		if err != nil {
			t.Error(err)
		}
		return &cluster.Answer{Payload: payload}
	}
	answer := func(cmd *cluster.Command) *cluster.Answer {
		if cmd.To.Kind == "guild" {
			return &cluster.Answer{Body: &clientv1.Item{Sku: cmd.To.ID + "." + cmd.Method + "." + string(cmd.Payload), Quantity: int64(cmd.Request)}}
		}
		return answerAtOnce(cmd)
	}
	item, err := proto.Marshal(&clientv1.Item{Sku: "owls.Join.hi", Quantity: 3})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		ask  *clientv1.ClientFrame
		want *clientv1.ServerFrame
	}{
		{
			buy(2, 7, "sword", 3),
			&clientv1.ServerFrame{Seq: 2, Body: &clientv1.ServerFrame_Bought{Bought: &clientv1.Bought{Balance: 90, Order: &clientv1.Order{
				Id: "ann", Request: 7, Sku: "sword", Quantity: 3, State: clientv1.OrderState_ORDER_STATE_GRANTED}}}},
		},
		{
			&clientv1.ClientFrame{Seq: 1 << 40, Body: &clientv1.ClientFrame_GetPlayer{GetPlayer: &clientv1.GetPlayer{}}},
			&clientv1.ServerFrame{Seq: 1 << 40, Body: &clientv1.ServerFrame_Player{Player: &clientv1.Player{Id: "ann", Wallet: map[string]int64{"gold": 5}}}},
		},
		{
			call(3, &clientv1.Call{Kind: "guild", Id: "owls", Method: "Join", Request: 3, Payload: []byte("hi")}),
			&clientv1.ServerFrame{Seq: 3, Body: &clientv1.ServerFrame_Result{Result: &clientv1.Result{Payload: item}}},
		},
		{
			call(4, &clientv1.Call{Kind: "stock", Id: "sword/0", Method: "Nonsense"}),
			&clientv1.ServerFrame{Seq: 4, Body: &clientv1.ServerFrame_Error{Error: &clientv1.Error{Code: clientv1.Code_CODE_NOT_FOUND, Text: "no such method"}}},
		},
		{
			&clientv1.ClientFrame{Seq: 5, Body: &clientv1.ClientFrame_ListCatalog{ListCatalog: &clientv1.ListCatalog{Prefix: "sw"}}},
			&clientv1.ServerFrame{Seq: 5, Body: &clientv1.ServerFrame_Catalog{Catalog: &clientv1.Catalog{Version: 1, Products: []*clientv1.Product{
				{Sku: "sword", Title: "A sword", Price: 10, Currency: "gold"}}}}},
		},
	} {
		for _, sub := range subprotocols {
			for _, from := range []string{"local", "remote"} {
				t.Run(fmt.Sprintf("%s/%s/%T", sub, from, tc.ask.GetBody()), func(t *testing.T) {
					h := open(t, nil)
					h.router.answer = answer
					if from == "remote" {
						h.router.answer = func(cmd *cluster.Command) *cluster.Answer { return remote(answer(cmd)) }
					}
					c := h.greeted(t, sub, "ann")
					if got := c.ask(tc.ask); !proto.Equal(got, tc.want) {
						t.Errorf("got %v, want %v", got, tc.want)
					}
				})
			}
		}
	}
}
