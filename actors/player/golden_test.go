package player_test

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"
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
		if err := os.WriteFile(goldenFile, []byte(writeGolden(t, kinds)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]actors.Kind{kinds[0].Name: kinds[0], kinds[1].Name: kinds[1]}
	live := make(map[string]actors.Behaviour)
	for i, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		f := strings.Fields(line)
		name, id, _ := strings.Cut(f[0], "/")
		raw, err := hex.DecodeString(f[2])
		if err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		if live[f[0]] == nil {
			live[f[0]] = byName[name].New(id)
		}
		switch f[1] {
		case "event":
			e := byName[name].Event()
			if err := proto.Unmarshal(raw, e); err != nil {
				t.Fatalf("line %d: %v", i+1, err)
			}
			if err := live[f[0]].Apply(e); err != nil {
				t.Fatalf("line %d: %v", i+1, err)
			}
		case "state":
			want := byName[name].State()
			if err := proto.Unmarshal(raw, want); err != nil {
				t.Fatalf("line %d: %v", i+1, err)
			}
			if got := live[f[0]].Snapshot(); !proto.Equal(got, want) {
				t.Errorf("%s: got %s, want %s", f[0], actorstest.Format(got), actorstest.Format(want))
			}
		}
	}
}

// writeGolden makes every kind of event happen.
func writeGolden(t *testing.T, kinds []actors.Kind) string {
	var out strings.Builder
	line := func(ref actors.Ref, what string, m proto.Message) {
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s %s %x\n", ref, what, b)
	}
	w, err := actorstest.New(actorstest.Config{
		Kinds: kinds, Journaled: func(ref actors.Ref, e proto.Message) { line(ref, "event", e) },
	})
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
	w.Each(func(ref actors.Ref, b actors.Behaviour) { line(ref, "state", b.Snapshot()) })
	return out.String()
}
