package bench

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/golang-jwt/jwt/v5"

	"github.com/holdfast-game/holdfast/bench/launch"
	"github.com/holdfast-game/holdfast/client/clienttest"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

const testSecret = "a secret of thirty-two characters"

// market is a cluster as a sale sees it: a shop, and its books as the operator
// reads them. Faults may be planted on both sides.
type market struct {
	stock map[string]int64
	shop  *clienttest.Shop
	at    target

	mu      sync.Mutex
	granted map[string]int64
	audits  int

	// planted counts what handle did wrong.
	planted atomic.Int64
	// fault may change the books before they are read; nil for none.
	fault func(audit int, b *Books)
}

// newMarket starts a market whose connections go through handle.
func newMarket(t *testing.T, handle func(m *market, s *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame) *market {
	t.Helper()
	m := &market{stock: make(map[string]int64), granted: make(map[string]int64)}
	if handle == nil {
		handle = func(m *market, s *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
			return m.shop.Handle(s, f)
		}
	}
	server := clienttest.NewServer(func(s *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
		return handle(m, s, f)
	})
	t.Cleanup(server.Close)
	server.Identify = identify
	m.at = target{Target: launch.Target{URL: server.URL, Secret: testSecret}}
	return m
}

// identify accepts the tokens of testSecret.
func identify(token string) (player string, ok bool) {
	claims := new(jwt.RegisteredClaims)
	_, err := jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return []byte(testSecret), nil })
	return claims.Subject, err == nil
}

func (m *market) putProduct(_ context.Context, p product, _ int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stock[p.sku] = p.stock
	left := make(map[string]int64)
	for sku, n := range m.stock {
		left[sku] = n
	}
	m.shop = clienttest.NewShop(left)
	return nil
}

func (m *market) grant(_ context.Context, player string, amount int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.granted[player] += amount
	return nil
}

func (m *market) audit(_ context.Context, prefix string) (*Books, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := &Books{Players: make(map[string]Accounts), Slices: make(map[string]Accounts)}
	for sku, stock := range m.stock {
		left := m.shop.Left(sku)
		at := "stock/" + sku + "/"
		b.Slices[sku+"/0"] = Accounts{at + "initial": stock, at + "free": left, at + "sold": stock - left}
	}
	for _, o := range m.shop.Sold() {
		player, _, _ := strings.Cut(o.Id, "/")
		a := b.Players[player]
		if a == nil {
			a = make(Accounts)
			b.Players[player] = a
		}
		a["player/orders/completed"]++
		a["player/orders/digest"] += int64(xxhash.Sum64String(o.Id))
		a["player/"+o.Sku+"/granted"] += o.Quantity
		a["player/spent/gold"] += o.Price
		a["player/priced/gold"] += o.Price
		if !strings.HasPrefix(player, prefix) {
			delete(b.Players, player)
		}
	}
	b.Total = total(b.Players, b.Slices)
	if m.fault != nil {
		m.fault(m.audits, b)
	}
	m.audits++
	return b, nil
}

func hold(t *testing.T, m *market, cfg SaleConfig) *SaleReport {
	t.Helper()
	r, err := holdSale(t.Context(), cfg.withDefaults(), m.at, m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSaleUntilSoldOut(t *testing.T) {
	m := newMarket(t, nil)
	r := hold(t, m, SaleConfig{Players: 10, SKUs: 3, Stock: 100, UntilSoldOut: true})
	if !r.OK() || r.Purchases != 300 || r.Sold != 300 || r.Left != 0 || r.SoldOut != 30 || len(r.Errors) != 0 {
		t.Errorf("got %+v, want 300 units sold, and each player told once for each product", r)
	}
	if len(m.granted) != 10 {
		t.Errorf("got %d players with money, want 10", len(m.granted))
	}
}

func TestSaleOfAttempts(t *testing.T) {
	r := hold(t, newMarket(t, nil), SaleConfig{Players: 10, Stock: 50, Attempts: 777})
	if !r.OK() || r.Purchases != 50 || r.SoldOut != 727 {
		t.Errorf("got %d bought and %d sold out, want 50 and 727", r.Purchases, r.SoldOut)
	}
}

func TestSaleOfSeconds(t *testing.T) {
	var p recordedProgress
	r := hold(t, newMarket(t, nil), SaleConfig{Players: 4, Duration: 300 * time.Millisecond, Quantity: 2, Progress: &p})
	if !r.OK() || r.Purchases == 0 || r.Sold != 2*r.Purchases || r.PurchasesPerSecond == 0 || r.LatencyMs.P50 == 0 {
		t.Errorf("got %+v, want purchases of two units each", r)
	}
	if p.ticks == 0 || !p.done || len(p.phases) < 3 {
		t.Errorf("got progress %+v, want phases, ticks and an end", &p)
	}
}

type recordedProgress struct {
	phases []string
	ticks  int
	done   bool
}

func (p *recordedProgress) Phase(name string) { p.phases = append(p.phases, name) }
func (p *recordedProgress) Tick(Tick)         { p.ticks++ }
func (p *recordedProgress) Done()             { p.done = true }

func TestSaleInOpenLoop(t *testing.T) {
	r := hold(t, newMarket(t, nil), SaleConfig{Players: 5, Duration: 300 * time.Millisecond, Rate: 500})
	if !r.OK() || r.OpenLoop == nil || r.OpenLoop.Scheduled != 150 || r.Purchases != r.OpenLoop.Sent {
		t.Errorf("got %+v with %+v, want what was sent of 150", r, r.OpenLoop)
	}
}

// Connections that drop before or after the server acted, and refusals that
// settle nothing: in the end every purchase is known, and made once.
func TestSaleResolvesUnknownOutcomes(t *testing.T) {
	for name, cfg := range map[string]SaleConfig{
		"closed": {Players: 5, Stock: 300, Attempts: 500},
		"open":   {Players: 5, Stock: 100, Duration: 300 * time.Millisecond, Rate: 500},
	} {
		t.Run(name, func(t *testing.T) {
			var frames atomic.Int64
			m := newMarket(t, func(m *market, s *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
				switch frames.Add(1) % 20 {
				case 3:
					s.Drop()
					return nil
				case 8:
					defer s.Drop()
				case 13:
					return clienttest.Refuse(clientv1.Code_CODE_OVERLOADED, "busy")
				case 18: // acted, and does not know
					m.shop.Handle(s, f)
					return clienttest.Refuse(clientv1.Code_CODE_UNAVAILABLE, "no answer")
				}
				return m.shop.Handle(s, f)
			})
			r := hold(t, m, cfg)
			if !r.OK() || r.Errors["OVERLOADED"] == 0 || r.Errors["UNAVAILABLE"] == 0 {
				t.Errorf("got %+v, want trouble, and none of it left", r)
			}
			if sold := int64(len(m.shop.Sold())); sold != r.Purchases {
				t.Errorf("got %d acknowledged of %d sold", r.Purchases, sold)
			}
		})
	}
}

// What a sale would say if the cluster did wrong.
func TestSaleFindsPlantedFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		handle func(m *market, s *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame
		fault  func(audit int, b *Books)
		check  func(r *SaleReport, planted int64) bool
	}{
		"an order is forgotten": {
			fault: func(_ int, b *Books) { plant(b, "player/orders/completed", -1) },
			check: func(r *SaleReport, _ int64) bool { return r.Lost == 1 && r.Duplicated == 0 },
		},
		"an order is made twice": {
			fault: func(_ int, b *Books) { plant(b, "player/orders/completed", 1) },
			check: func(r *SaleReport, _ int64) bool { return r.Lost == 0 && r.Duplicated == 1 },
		},
		"a refused purchase is made": {
			handle: func(m *market, s *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
				reply := m.shop.Handle(s, f)
				if f.GetBuy().GetRequest() == 2 {
					m.planted.Add(1)
					return clienttest.Refuse(clientv1.Code_CODE_INTERNAL, "oops")
				}
				return reply
			},
			check: func(r *SaleReport, planted int64) bool {
				return r.Duplicated == planted && r.Errors["INTERNAL"] == planted
			},
		},
		"a purchase is acknowledged and not made": {
			handle: func(m *market, s *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
				if b := f.GetBuy(); b.GetRequest() == 2 {
					m.planted.Add(1)
					id := s.Player + "/2"
					return &clientv1.ServerFrame{Body: &clientv1.ServerFrame_Bought{Bought: &clientv1.Bought{
						Order: &clientv1.Order{Id: id, Request: 2, Sku: b.Sku, Quantity: 1, Price: 1},
					}}}
				}
				return m.shop.Handle(s, f)
			},
			check: func(r *SaleReport, planted int64) bool { return r.Lost == planted && r.Duplicated == 0 },
		},
		"more is sold than there is": {
			fault: func(_ int, b *Books) {
				for account := range b.Total {
					if strings.HasSuffix(account, "/granted") || strings.HasSuffix(account, "/sold") {
						b.Total[account] = 1007
					}
				}
			},
			check: func(r *SaleReport, _ int64) bool { return r.Oversold == 7 },
		},
		"stock stays held": {
			fault: func(_ int, b *Books) {
				for account := range b.Total {
					if strings.HasSuffix(account, "/sold") {
						b.Total[strings.TrimSuffix(account, "sold")+"held"] = 1
					}
				}
			},
			check: func(r *SaleReport, _ int64) bool { return !r.Settled },
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMarket(t, tc.handle)
			m.fault = tc.fault
			r := hold(t, m, SaleConfig{Players: 4, Stock: 1000, Attempts: 40, Settle: time.Millisecond})
			if r.OK() || !tc.check(r, m.planted.Load()) {
				t.Errorf("got OK %t and %+v", r.OK(), r.Verdict)
			}
		})
	}
}

// plant changes one account of one player who has it.
func plant(b *Books, account string, by int64) {
	for _, a := range b.Players {
		a[account] += by
		return
	}
}

// Books that settle late are read again.
func TestSaleWaitsForTheBooksToSettle(t *testing.T) {
	m := newMarket(t, nil)
	m.fault = func(audit int, b *Books) {
		if audit < 2 {
			for account := range b.Total {
				if strings.HasSuffix(account, "/sold") {
					b.Total[account]--
				}
			}
		}
	}
	r := hold(t, m, SaleConfig{Players: 2, Stock: 10, Attempts: 10})
	if !r.OK() || m.audits != 3 {
		t.Errorf("got OK %t after %d audits, want true after 3", r.OK(), m.audits)
	}
}

// A server that goes away for good ends the sale, and what is unknown is said.
func TestSaleWithoutAServer(t *testing.T) {
	m := newMarket(t, func(m *market, s *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
		if f.GetBuy().GetRequest() > 3 {
			s.Drop()
			return nil
		}
		return m.shop.Handle(s, f)
	})
	r := hold(t, m, SaleConfig{Players: 2, Duration: 100 * time.Millisecond, Patience: 100 * time.Millisecond, Settle: time.Millisecond})
	if r.OK() || r.Unresolved != 2 || r.Purchases != 6 {
		t.Errorf("got OK %t, %d unresolved, %d bought; want 2 unresolved and 6 bought", r.OK(), r.Unresolved, r.Purchases)
	}
}

func TestSaleStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	m := newMarket(t, func(m *market, s *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
		if f.GetBuy().GetRequest() == 5 {
			cancel(context.Canceled)
			return nil // and says nothing
		}
		return m.shop.Handle(s, f)
	})
	_, err := holdSale(ctx, SaleConfig{Players: 2}.withDefaults(), m.at, m)
	if err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("got %v, want canceled", err)
	}
}

func TestReportAsJSON(t *testing.T) {
	r := hold(t, newMarket(t, nil), SaleConfig{Players: 2, Stock: 5, Attempts: 9})
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"purchases", "purchases_per_second", "latency_ms", "errors", "sold_out", "oversold", "lost", "duplicated",
		"conserved", "duration_seconds", "parameters", "machine",
	} {
		if _, ok := got[key]; !ok {
			t.Errorf("no %q in %s", key, data)
		}
	}
	latency := got["latency_ms"].(map[string]any)
	for _, key := range []string{"mean", "p50", "p99", "p999", "max"} {
		if _, ok := latency[key]; !ok {
			t.Errorf("no latency_ms.%s in %s", key, data)
		}
	}
}
