package gateway_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/gateway"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

const (
	available = clientv1.StockState_STOCK_STATE_AVAILABLE
	low       = clientv1.StockState_STOCK_STATE_LOW
	soldOut   = clientv1.StockState_STOCK_STATE_SOLD_OUT
	unknown   = clientv1.StockState_STOCK_STATE_UNSPECIFIED
)

func wantLevel(t testing.TB, got *clientv1.StockLevel, sku string, free int64, state clientv1.StockState) {
	t.Helper()
	if want := (&clientv1.StockLevel{Sku: sku, Free: free, State: state}); !proto.Equal(got, want) {
		t.Fatalf("got level %v, want %v", got, want)
	}
}

func slice(i uint32, free int64) *clusterv1.StockSlice {
	return &clusterv1.StockSlice{Sku: "sword", Slice: i, Slices: 2, Free: free, Low: 10}
}

func TestWatch(t *testing.T) {
	h := open(t, nil)
	for _, sub := range subprotocols {
		t.Run(sub, func(t *testing.T) {
			c := h.greeted(t, sub, "ann")
			f := c.ask(watch(2, "sword", "sword"))
			if f.GetSeq() != 2 || len(f.GetWatching().GetLevels()) != 1 {
				t.Fatal(f)
			}
			wantLevel(t, f.GetWatching().GetLevels()[0], "sword", 100, available) // two slices of 50

			h.bus.publish(t, slice(0, 40)) // no news: still available
			h.bus.publish(t, slice(0, 5))
			h.bus.publish(t, slice(1, 5))
			f = c.receive()
			if f.GetSeq() != 0 {
				t.Errorf("an event carries seq %d", f.GetSeq())
			}
			wantLevel(t, f.GetStock(), "sword", 10, low)
			h.bus.publish(t, slice(0, 0))
			h.bus.publish(t, slice(1, 0))
			wantLevel(t, c.receive().GetStock(), "sword", 0, soldOut)
			h.bus.publish(t, slice(1, 500))
			wantLevel(t, c.receive().GetStock(), "sword", 500, available)

			// The list is replaced; an empty one ends it.
			if f := c.ask(watch(3)); f.GetWatching() == nil || len(f.GetWatching().GetLevels()) != 0 {
				t.Fatal(f)
			}
			if got := []string{<-h.bus.changed, <-h.bus.changed}; !slices.Equal(got, []string{"+stock.sword", "-stock.sword"}) {
				t.Errorf("subscriptions were %v", got)
			}
		})
	}
}

// However many watch a SKU, the gateway subscribes once and asks once; and it
// unsubscribes after the last, also when that one just goes away.
func TestWatchIsShared(t *testing.T) {
	h := open(t, nil)
	asked := make(chan string, 100)
	h.router.answer = func(cmd *cluster.Command) *cluster.Answer {
		if cmd.Method == "Level" {
			asked <- cmd.To.String()
		}
		return answerAtOnce(cmd)
	}
	var clients []*wsClient
	for _, sub := range []string{gateway.SubprotocolProto, gateway.SubprotocolJSON, gateway.SubprotocolProto} {
		c := h.greeted(t, sub, "ann")
		if f := c.ask(watch(2, "sword")); f.GetWatching() == nil {
			t.Fatal(f)
		}
		clients = append(clients, c)
	}
	if got := h.count(t, "watched_skus", ""); got != 1 {
		t.Errorf("%v SKUs are watched", got)
	}
	if n := len(asked); n != 2 {
		t.Errorf("slices were asked %d times, want 2", n)
	}
	h.bus.publish(t, slice(0, 0))
	h.bus.publish(t, slice(1, 0))
	for _, c := range clients {
		// 50 units are left in between: more than low.
		wantLevel(t, c.receive().GetStock(), "sword", 0, soldOut)
	}
	for _, c := range clients {
		_ = c.ws.NetConn().Close()
	}
	if got := []string{<-h.bus.changed, <-h.bus.changed}; !slices.Equal(got, []string{"+stock.sword", "-stock.sword"}) {
		t.Errorf("subscriptions were %v", got)
	}
	if n := len(h.bus.changed); n != 0 {
		t.Errorf("and %d more", n)
	}
}

// A watcher that does not read is no reason for others to wait.
func TestSlowWatcher(t *testing.T) {
	h := open(t, narrow)
	slow := h.greetedNarrow(t)
	slow.ask(watch(2, "sword"))
	for seq := uint64(3); seq < 13; seq++ {
		slow.send(listCatalog(seq)) // fills its sockets
	}
	eventually(t, func() bool { return h.count(t, "frames_in_total", "list_catalog") == 10 })
	quick := h.greeted(t, gateway.SubprotocolProto, "bob")
	quick.ask(watch(2, "sword"))
	for range 1000 {
		h.bus.publish(t, slice(0, 0))
		h.bus.publish(t, slice(1, 0))
		wantLevel(t, quick.receive().GetStock(), "sword", 0, soldOut)
		h.bus.publish(t, slice(1, 50))
		wantLevel(t, quick.receive().GetStock(), "sword", 50, available)
	}
	// The slow one gets the newest between the catalogs, when it comes round to
	// reading: not 2,000.
	events := 0
	slow.send(ping(99))
	for {
		f := slow.receive()
		if f.GetStock() != nil {
			events++
		}
		if f.GetPong() != nil {
			break
		}
	}
	if events > 20 {
		t.Errorf("the slow watcher got %d events", events)
	}
}

// A slice that cannot be reached leaves the level open. It is told when it is
// known.
func TestWatchUnknown(t *testing.T) {
	h := open(t, nil)
	h.router.answer = func(cmd *cluster.Command) *cluster.Answer {
		if cmd.Method == "Level" && cmd.To.ID == "sword/1" {
			return &cluster.Answer{Code: clientv1.Code_CODE_UNAVAILABLE}
		}
		return answerAtOnce(cmd)
	}
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	began := time.Now()
	f := c.ask(watch(2, "sword"))
	if len(f.GetWatching().GetLevels()) != 1 {
		t.Fatal(f)
	}
	wantLevel(t, f.GetWatching().GetLevels()[0], "sword", 50, unknown)
	if took := time.Since(began); took < time.Second {
		t.Errorf("did not wait for the slice: %s", took)
	}
	h.bus.publish(t, slice(1, 1))
	wantLevel(t, c.receive().GetStock(), "sword", 51, available)
}

// The level is asked for after subscribing: a change in between is not lost.
func TestWatchSubscribesFirst(t *testing.T) {
	h := open(t, nil)
	h.router.answer = func(cmd *cluster.Command) *cluster.Answer {
		if cmd.Method == "Level" && len(h.bus.changed) == 0 {
			t.Error("asked before subscribing")
		}
		return answerAtOnce(cmd)
	}
	h.greeted(t, gateway.SubprotocolProto, "ann").ask(watch(2, "sword"))
}

func TestCatalogTruncated(t *testing.T) {
	h := open(t, func(_ *gateway.Config, h *house) {
		for i := range 26 * 26 {
			sku := "gem-" + string(rune('a'+i/26)) + string(rune('a'+i%26))
			h.catalog[sku] = product(sku)
		}
		long := product("tome")
		long.Title = string(make([]byte, 70<<10))
		h.catalog["tome"] = long
	})
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	for _, tc := range []struct {
		prefix    string
		products  int
		truncated bool
	}{
		{"", 500, true},
		{"gem-", 500, true},
		{"gem-a", 26, false},
		{"gem-aa", 1, false},
		{"gem-aaa", 0, false},
		{"sw", 1, false},
		{"t", 0, true}, // does not fit at all
		{"zzz", 0, false},
	} {
		f := c.ask(&clientv1.ClientFrame{Seq: 2, Body: &clientv1.ClientFrame_ListCatalog{ListCatalog: &clientv1.ListCatalog{Prefix: tc.prefix}}})
		got := f.GetCatalog()
		if len(got.GetProducts()) != tc.products || got.GetTruncated() != tc.truncated || got.GetVersion() != 1 {
			t.Errorf("%q: %d products, truncated %v; want %d, %v", tc.prefix, len(got.GetProducts()), got.GetTruncated(), tc.products, tc.truncated)
		}
	}
}
