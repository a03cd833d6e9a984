package player_test

import (
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

const goldenFile = "testdata/journal-v1.golden"

// TestJournalIsReadableForEver replays events that an earlier version wrote, and
// compares the states with the ones they gave then. Lines are added to the file,
// with -rewrite, when there are new kinds of events; the old ones stay.
func TestJournalIsReadableForEver(t *testing.T) {
	c := catalog{"sword": {Sku: "sword", Price: 10, Currency: "gold", Slices: 2}}
	kinds := []actors.Kind{
		player.Kind(player.Config{Catalog: c, Start: map[string]int64{"gold": 100}, Orders: 3}),
		stock.Kind(stock.Config{Catalog: c, LendMin: 1}),
	}
	if *rewrite {
		writeGolden(t, kinds)
	}
	actorstest.CheckGolden(t, goldenFile, kinds...)
}

// writeGolden makes every kind of event happen.
func writeGolden(t *testing.T, kinds []actors.Kind) {
	var golden actorstest.Golden
	w, err := actorstest.New(actorstest.Config{Kinds: kinds, Journaled: golden.Event})
	if err != nil {
		t.Fatal(err)
	}
	ann, admin := player.Ref("ann"), actors.Caller{Admin: true, Player: "ann"}
	call := func(to actors.Ref, method string, body proto.Message) {
		w.Call(actorstest.Call{To: to, Method: method, Caller: admin, Body: body})
		if err := w.Run(2*time.Second, nil); err != nil {
			t.Fatal(err)
		}
	}
	buy := func(n uint64, quantity int64) {
		call(ann, player.MethodBuy, &clientv1.Buy{Request: n, Sku: "sword", Quantity: quantity})
	}
	call(stock.Ref("sword", 0), stock.MethodRestock, &clusterv1.Restock{Id: "first", Quantity: 8, Initial: true})
	call(ann, player.MethodGrant, &clusterv1.Grant{Id: "gift", Currency: "gold", Amount: 50})
	buy(1, 1)
	buy(2, 1)
	buy(3, 999) // no funds
	buy(4, 8)   // no stock
	call(stock.Ref("sword", 1), stock.MethodRestock, &clusterv1.Restock{Id: "second", Quantity: 1})
	buy(5, 1)
	golden.States(w)
	golden.Write(t, goldenFile)
}
