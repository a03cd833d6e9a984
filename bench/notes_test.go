package bench

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/bench/chaos/history"
	"github.com/holdfast-game/holdfast/client"
	"github.com/holdfast-game/holdfast/client/clienttest"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// recorded holds a sale and returns its history.
func recorded(t *testing.T, m *market, cfg SaleConfig) (*SaleReport, []history.Op) {
	t.Helper()
	h, err := history.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cfg.History = h
	r := hold(t, m, cfg)
	ops := closeAndRead(t, h)
	if _, err := os.Stat(filepath.Join(h.Dir(), history.BooksFile)); err != nil {
		t.Error(err)
	}
	return r, ops
}

func closeAndRead(t *testing.T, h *history.Recorder) (ops []history.Op) {
	t.Helper()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(h.Dir(), history.OperationsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := history.ReadOps(f, func(op *history.Op) error { ops = append(ops, *op); return nil }); err != nil {
		t.Fatal(err)
	}
	return ops
}

func count(ops []history.Op, like func(op *history.Op) bool) (n int64) {
	for i := range ops {
		if like(&ops[i]) {
			n++
		}
	}
	return n
}

// Everything that was asked is in the history, closed loop or open, with what
// was answered.
func TestSaleIsRecorded(t *testing.T) {
	for name, cfg := range map[string]SaleConfig{
		"closed": {Players: 5, Stock: 300, Attempts: 500, Quantity: 2},
		"open":   {Players: 5, Stock: 100, Duration: 300 * time.Millisecond, Rate: 500, Quantity: 2},
	} {
		t.Run(name, func(t *testing.T) {
			var frames, dropped, busy atomic.Int64
			m := newMarket(t, func(m *market, s *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
				switch frames.Add(1) % 20 {
				case 8:
					dropped.Add(1)
					defer s.Drop()
				case 13:
					busy.Add(1)
					return clienttest.Refuse(clientv1.Code_CODE_OVERLOADED, "busy")
				}
				return m.shop.Handle(s, f)
			})
			r, ops := recorded(t, m, cfg)
			if !r.OK() {
				t.Fatalf("got %+v, want a sale without fault", r)
			}
			buys := func(o history.Outcome, c clientv1.Code) int64 {
				return count(ops, func(op *history.Op) bool { return op.Kind == history.Buy && op.Outcome == o && op.Code == c })
			}
			if got := buys(history.OK, 0); got != r.Purchases || got == 0 {
				t.Errorf("got %d purchases in the history, want %d", got, r.Purchases)
			}
			if got := buys(history.Refused, clientv1.Code_CODE_SOLD_OUT); got != r.SoldOut || got == 0 {
				t.Errorf("got %d sold-out answers in the history, want %d", got, r.SoldOut)
			}
			if got := buys(history.Unknown, clientv1.Code_CODE_OVERLOADED); got != busy.Load() {
				t.Errorf("got %d answers that settle nothing in the history, want %d", got, busy.Load())
			}
			// A Conn sends what was cut off again by itself: that is one Op.
			if got := buys(history.Unknown, 0); got > dropped.Load() || name == "closed" && got == 0 {
				t.Errorf("got %d purchases without an answer, of %d connections cut", got, dropped.Load())
			}
			for i := range ops {
				if op := &ops[i]; op.Kind == history.Buy && op.Outcome == history.OK &&
					(op.Quantity != 2 || op.Price != 2 || op.Balance != 1 || op.Order != "" || op.Return <= op.Invoke) {
					t.Fatalf("got %+v, want 2 units for 2, 1 left, and some time", op)
				}
			}
			gifts := count(ops, func(op *history.Op) bool {
				return op.Kind == history.Grant && op.Amount == balance && op.Outcome == history.OK
			})
			offers := count(ops, func(op *history.Op) bool {
				return op.Kind == history.Stock && op.Quantity == cfg.Stock && op.Outcome == history.OK
			})
			if gifts != 5 || offers != 1 {
				t.Errorf("got %d gifts and %d products, want 5 and 1", gifts, offers)
			}
		})
	}
}

// Answered purchases are asked for again, and count once.
func TestSaleAsksAgain(t *testing.T) {
	for name, cfg := range map[string]SaleConfig{
		"closed": {Players: 5, Stock: 50, Attempts: 100},
		"open":   {Players: 5, Stock: 50, Duration: 200 * time.Millisecond, Rate: 500},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Repeat = 1
			r, ops := recorded(t, newMarket(t, nil), cfg)
			type key struct {
				player  string
				request uint64
			}
			answers := make(map[key]int)
			for i := range ops {
				if ops[i].Kind == history.Buy && ops[i].Outcome != history.Unknown {
					answers[key{ops[i].Client, ops[i].Request}]++
				}
			}
			for k, n := range answers {
				if n != 2 {
					t.Errorf("%s/%d: got %d answers, want 2", k.player, k.request, n)
				}
			}
			if !r.OK() || int64(len(answers)) != r.Purchases+r.SoldOut {
				t.Errorf("got %d purchases in the history, and %+v", len(answers), r)
			}
		})
	}
}

func TestWalletsAreRead(t *testing.T) {
	m := newMarket(t, func(m *market, s *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
		if f.GetGetPlayer() != nil {
			return &clientv1.ServerFrame{Body: &clientv1.ServerFrame_Player{Player: &clientv1.Player{Wallet: map[string]int64{currency: 77}}}}
		}
		return m.shop.Handle(s, f)
	})
	_, ops := recorded(t, m, SaleConfig{Players: 3, Duration: 200 * time.Millisecond, Reads: 1000})
	read := make(map[string]bool)
	for i := range ops {
		if op := &ops[i]; op.Kind == history.Read && op.Outcome == history.OK {
			if op.Balance != 77 {
				t.Fatalf("got a balance of %d, want 77", op.Balance)
			}
			read[op.Client] = true
		}
	}
	if len(read) != 3 {
		t.Errorf("got reads of %v, want of all 3 players", slices.Collect(maps.Keys(read)))
	}
}

func TestNamedAfter(t *testing.T) {
	for order, want := range map[string]bool{"ann/7": true, "ann/70": false, "ann/": false, "ann": false, "bob/7": false, "anna/7": false} {
		if got := namedAfter([]byte(order), "ann", 7); got != want {
			t.Errorf("%s: got %t, want %t", order, got, want)
		}
	}
}

// Answers that settle nothing leave the outcome open.
func TestNoteReply(t *testing.T) {
	h, err := history.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	noteReply(h, "ann", "sword", 1, 1, 0, nil, client.ErrDisconnected)
	noteReply(h, "ann", "sword", 2, 1, 0, &client.Reply{Refused: true, Code: clientv1.Code_CODE_EXPIRED_REQUEST}, nil)
	noteReply(h, "ann", "sword", 3, 1, 0, &client.Reply{Bought: true, OrderID: []byte("ann/9"), Quantity: 1}, nil)
	noteReply(h, "ann", "sword", 4, 1, 0, &client.Reply{Refused: true, Code: clientv1.Code_CODE_LIMIT_REACHED}, nil)
	var got []history.Outcome
	for _, op := range closeAndRead(t, h) {
		got = append(got, op.Outcome)
		if (op.Order == "ann/9") != (op.Request == 3) {
			t.Errorf("got order %q for request %d", op.Order, op.Request)
		}
	}
	if want := []history.Outcome{history.Unknown, history.Unknown, history.OK, history.Refused}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
