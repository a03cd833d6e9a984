package player_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/actorstest"
	"github.com/holdfast-game/holdfast/actors/player"
	"github.com/holdfast-game/holdfast/actors/stock"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// TestFlashSale sells a product to twenty times as many players as there are
// units, in two seconds, over slices on three nodes. All of it must be sold,
// though demand ends with the sale, and those who come too late must not cost
// much.
func TestFlashSale(t *testing.T) {
	const slices, units, attempts, length = 8, 500, 10_000, 2 * time.Second
	for seed := range uint64(2) {
		c := catalog{"sword": {Sku: "sword", Price: 1, Currency: "gold", Slices: slices}}
		sent := make(map[string]int)
		zero := 0
		w, err := actorstest.New(actorstest.Config{
			Seed: seed, Nodes: 3,
			Kinds: []actors.Kind{
				player.Kind(player.Config{Catalog: c, Start: map[string]int64{"gold": 1}}),
				stock.Kind(stock.Config{Catalog: c}),
			},
			Lose: func(_, _ actors.Ref, body proto.Message) bool {
				sent[string(body.ProtoReflect().Descriptor().Name())]++
				return false
			},
			Heard: func(b actors.Broadcast) {
				if b.Body.(*clusterv1.StockSlice).GetFree() == 0 {
					zero++
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(seed, 4))
		left := int64(units)
		for i := range uint32(slices) { // uneven, so that slices have to lend
			n := left
			if i < slices-1 {
				n = r.Int64N(left/2 + 1)
			}
			left -= n
			if n > 0 {
				w.Call(actorstest.Call{To: stock.Ref("sword", i), Method: stock.MethodRestock, Caller: actors.Caller{Admin: true},
					Body: &clusterv1.Restock{Id: "all", Quantity: n, Initial: true}})
			}
		}
		if err := w.Run(time.Second, nil); err != nil {
			t.Fatal(err)
		}
		clear(sent)
		answers := make(map[clientv1.Code]int)
		for i := range attempts {
			id := actors.PlayerID(fmt.Sprintf("p%d", i))
			w.After(time.Duration(r.Int64N(int64(length))), func() {
				w.Call(actorstest.Call{To: player.Ref(id), Method: player.MethodBuy, Caller: actors.Caller{Player: id},
					Body: &clientv1.Buy{Request: 1, Sku: "sword", Quantity: 1},
					Done: func(_ proto.Message, refusal *actors.Refusal) {
						if refusal == nil {
							refusal = new(actors.Refusal)
						}
						answers[refusal.Code]++
					}})
			})
		}
		if err := w.Run(length+5*time.Second, nil); err != nil {
			t.Fatal(err)
		}
		t.Logf("seed %d: answers %v, messages %v, zero announced %d times", seed, answers, sent, zero)
		if answers[0] != units || answers[clientv1.Code_CODE_SOLD_OUT] != attempts-units {
			t.Errorf("seed %d: answers %v, want %d sold and all others sold out", seed, answers, units)
		}
		if got := sent["Reserve"]; got > 2*attempts {
			t.Errorf("seed %d: slices were asked %d times for %d attempts", seed, got, attempts)
		}
		if got := sent["Borrow"] + sent["Transfer"]; got > 500 {
			t.Errorf("seed %d: %d messages about lending", seed, got)
		}
	}
}
