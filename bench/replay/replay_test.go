package replay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/cespare/xxhash/v2"
	"github.com/golang-jwt/jwt/v5"

	"github.com/holdfast-game/holdfast/bench/launch"
	"github.com/holdfast-game/holdfast/bench/report"
	"github.com/holdfast-game/holdfast/bench/tape"
	"github.com/holdfast-game/holdfast/client/clienttest"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// market is a cluster of which a test decides what it answers.
type market struct {
	adminv1connect.UnimplementedAdminServiceHandler
	server *clienttest.Server
	admin  *httptest.Server
	// answer answers a purchase.
	answer func(player string, b *clientv1.Buy) *clientv1.ServerFrame

	mu    sync.Mutex
	sold  map[string]*clientv1.Order // by id
	heard []string                   // purchases, in the order of their coming
	zones map[string]*clientv1.Zone  // that were put

	gone   atomic.Bool  // its books cannot be read any more
	put    atomic.Int32 // products
	onSale []string
}

func openMarket(t *testing.T, answer func(player string, b *clientv1.Buy) *clientv1.ServerFrame) *market {
	m := &market{answer: answer, sold: make(map[string]*clientv1.Order), zones: make(map[string]*clientv1.Zone)}
	m.server = clienttest.NewServer(m.handle)
	m.server.Identify = func(token string) (string, bool) {
		claims := new(jwt.RegisteredClaims)
		_, err := jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return []byte("secret"), nil })
		return claims.Subject, err == nil
	}
	m.server.Welcome = func(w *clientv1.Welcome) { w.NextRequest = 1 }
	mux := http.NewServeMux()
	mux.Handle(adminv1connect.NewAdminServiceHandler(m))
	m.admin = httptest.NewServer(mux)
	t.Cleanup(func() {
		m.server.Close()
		m.admin.Close()
	})
	return m
}

func (m *market) target() launch.Target {
	return launch.Target{URL: m.server.URL, Admin: m.admin.URL, Secret: "secret"}
}

func (m *market) handle(s *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
	b := f.GetBuy()
	if b == nil {
		return &clientv1.ServerFrame{Body: &clientv1.ServerFrame_Pong{Pong: new(clientv1.Pong)}}
	}
	m.mu.Lock()
	m.heard = append(m.heard, fmt.Sprintf("%s/%d", s.Player, b.GetRequest()))
	m.mu.Unlock()
	out := m.answer(s.Player, b)
	if o := out.GetBought().GetOrder(); o != nil {
		m.mu.Lock()
		m.sold[o.GetId()] = o
		m.mu.Unlock()
	}
	return out
}

// sell answers a purchase with an order.
func sell(player string, b *clientv1.Buy, price int64) *clientv1.ServerFrame {
	return &clientv1.ServerFrame{Body: &clientv1.ServerFrame_Bought{Bought: &clientv1.Bought{Order: &clientv1.Order{
		Id: fmt.Sprintf("%s/%d", player, b.GetRequest()), Request: b.GetRequest(), Sku: b.GetSku(), Quantity: b.GetQuantity(),
		Price: price * b.GetQuantity(), Currency: "gold", State: clientv1.OrderState_ORDER_STATE_GRANTED,
	}}}}
}

func refuse(c clientv1.Code) *clientv1.ServerFrame {
	return &clientv1.ServerFrame{Body: &clientv1.ServerFrame_Error{Error: &clientv1.Error{Code: c}}}
}

func (m *market) Audit(_ context.Context, r *connect.Request[adminv1.AuditRequest]) (*connect.Response[adminv1.AuditResponse], error) {
	if m.gone.Load() {
		return nil, connect.NewError(connect.CodeUnavailable, errors.New("gone"))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := make(map[string]map[string]int64)
	for id, o := range m.sold {
		player, _, _ := strings.Cut(id, "/")
		if !strings.HasPrefix(player, r.Msg.GetRowsPrefix()) {
			continue
		}
		if rows[player] == nil {
			rows[player] = make(map[string]int64)
		}
		a := rows[player]
		a["player/orders/completed"]++
		a["player/orders/digest"] += int64(xxhash.Sum64String(id))
		a["player/"+o.GetSku()+"/granted"] += o.GetQuantity()
		a["player/spent/gold"] += o.GetPrice()
	}
	out := &adminv1.AuditResponse{Conserved: true, Settled: true}
	for _, sku := range m.onSale {
		out.Stock = append(out.Stock, &adminv1.StockBooks{Sku: sku, Conserved: true})
	}
	for id, a := range rows {
		out.Rows = append(out.Rows, &adminv1.Row{Id: id, Accounts: a})
	}
	return connect.NewResponse(out), nil
}

// record makes a tape.
func record(t *testing.T, records ...*tape.Record) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a.tape")
	w, err := tape.Create(file, tape.Header{Started: time.Unix(1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := w.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

func opened(at time.Duration, conn uint64, player string) *tape.Record {
	return &tape.Record{Kind: tape.Opened, At: at, Conn: conn, Player: player}
}

func asksFor(t *testing.T, at time.Duration, conn, request uint64) *tape.Record {
	return &tape.Record{Kind: tape.Received, At: at, Conn: conn, Frame: encoded(t, &clientv1.ClientFrame{
		Seq: request, Body: &clientv1.ClientFrame_Buy{Buy: &clientv1.Buy{Request: request, Sku: "sword", Quantity: 1}},
	})}
}

func isTold(t *testing.T, at time.Duration, conn, request uint64, f *clientv1.ServerFrame) *tape.Record {
	f.Seq = request
	return &tape.Record{Kind: tape.Sent, At: at, Conn: conn, Frame: encoded(t, f)}
}

// sale is a tape of one player who has bought twice; the numbers of its requests
// do not begin with 1.
func sale(t *testing.T) string {
	first, second := &clientv1.Buy{Request: 57, Sku: "sword", Quantity: 1}, &clientv1.Buy{Request: 58, Sku: "sword", Quantity: 1}
	return record(t,
		opened(0, 1, "ann"),
		asksFor(t, 1*time.Millisecond, 1, 57), isTold(t, 2*time.Millisecond, 1, 57, sell("ann", first, 3)),
		asksFor(t, 3*time.Millisecond, 1, 58), isTold(t, 4*time.Millisecond, 1, 58, sell("ann", second, 3)),
		&tape.Record{Kind: tape.Closed, At: 5 * time.Millisecond, Conn: 1},
	)
}

func replayed(t *testing.T, m *market, cfg Config) *report.Run {
	t.Helper()
	return replayedAt(t, m.target(), cfg)
}

func replayedAt(t *testing.T, target launch.Target, cfg Config) *report.Run {
	t.Helper()
	cfg.Target, cfg.Prefix, cfg.Settle = target, "r-", time.Millisecond
	r, err := Replay(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func of(t *testing.T, r *report.Run, kind string) report.Outcomes {
	t.Helper()
	i := indexOfKind(r.Outcomes, kind)
	if i < 0 {
		t.Fatalf("got %+v, want outcomes of %s", r.Outcomes, kind)
	}
	return r.Outcomes[i]
}

func TestReplayOfTheSame(t *testing.T) {
	m := openMarket(t, func(player string, b *clientv1.Buy) *clientv1.ServerFrame { return sell(player, b, 3) })
	r := replayed(t, m, Config{Tape: sale(t), Scale: 3, Workers: 2})
	if o := of(t, r, "buy"); o.Now["sold"] != 6 || o.Then["sold"] != 6 || o.Differ != 0 {
		t.Errorf("got %+v, want six sales and no difference", o)
	}
	if o := of(t, r, "connect"); o.Now["welcomed"] != 3 {
		t.Errorf("got %+v, want three connections", o)
	}
	if !allHold(r.Checks) {
		t.Errorf("got %+v, want every check to hold", r.Checks)
	}
	for _, id := range []string{"r-ann-0/1", "r-ann-0/2", "r-ann-1/1", "r-ann-2/2"} {
		if m.sold[id] == nil {
			t.Errorf("got %q, want %s among them", m.heard, id)
		}
	}
	if len(r.Series) == 0 || r.Series[0].Due != 6 || r.Series[0].Sent != 6 || r.Series[0].Done != 6 || r.Latency == "" || r.Delay == "" {
		t.Errorf("got %+v, want six requests in the first second", r.Series)
	}
}

func TestReplayFindsAnotherPrice(t *testing.T) {
	m := openMarket(t, func(player string, b *clientv1.Buy) *clientv1.ServerFrame { return sell(player, b, 4) })
	o := of(t, replayed(t, m, Config{Tape: sale(t)}), "buy")
	if o.Differ != 2 || len(o.Examples) != 2 || o.Examples[0].Then != "sold for 3" || o.Examples[0].Now != "sold for 4" {
		t.Errorf("got %+v, want both sales to differ in the price", o)
	}
}

func TestReplayFindsALimit(t *testing.T) {
	m := openMarket(t, func(player string, b *clientv1.Buy) *clientv1.ServerFrame {
		if b.GetRequest() > 1 {
			return refuse(clientv1.Code_CODE_LIMIT_REACHED)
		}
		return sell(player, b, 3)
	})
	r := replayed(t, m, Config{Tape: sale(t), Unpaced: true})
	o := of(t, r, "buy")
	if o.Differ != 1 || o.Now["sold"] != 1 || o.Now["refused: limit reached"] != 1 || !strings.Contains(o.Examples[0].Request, "sword, request 58") {
		t.Errorf("got %+v, want the second one refused", o)
	}
	if r.Series[0].Errors["LIMIT_REACHED"] != 1 || !allHold(r.Checks) {
		t.Errorf("got %+v and %+v, want one error, and books that hold", r.Series, r.Checks)
	}
}

func TestReplayFindsALostOrder(t *testing.T) {
	m := openMarket(t, nil)
	m.answer = func(player string, b *clientv1.Buy) *clientv1.ServerFrame {
		out := sell(player, b, 3)
		if b.GetRequest() == 2 {
			out.GetBought().Order.Id = "nobody/2" // the books have it elsewhere
		}
		return out
	}
	r := replayed(t, m, Config{Tape: sale(t)})
	if allHold(r.Checks) || r.Checks[2].OK {
		t.Errorf("got %+v, want to hear of the lost order", r.Checks)
	}
}

// A request that was sent after an answer is sent after the answer now, however
// late that is. One that was sent before it is not held back.
func TestRequestsWaitForWhatTheyMayHaveUsed(t *testing.T) {
	for _, tc := range []struct {
		name  string
		tape  func(t *testing.T) string
		waits bool
	}{
		{"after the answer", sale, true},
		{"before the answer", func(t *testing.T) string {
			b := &clientv1.Buy{Request: 57, Sku: "sword", Quantity: 1}
			return record(t, opened(0, 1, "ann"), asksFor(t, 1, 1, 57), asksFor(t, 2, 1, 58), isTold(t, 3, 1, 57, sell("ann", b, 3)))
		}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := openMarket(t, nil)
			first := make(chan *clienttest.Session, 1)
			second := make(chan struct{})
			m.server.Close()
			answered := false
			var mu sync.Mutex
			m.server = clienttest.NewServer(func(s *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
				if f.GetBuy().GetRequest() == 1 {
					first <- s
					go func() {
						defer close(first)
						select {
						case <-second: // it has come, although the first is not answered
						case <-time.After(300 * time.Millisecond): // it does not come
						}
						mu.Lock()
						answered = true
						mu.Unlock()
						out := sell(s.Player, f.GetBuy(), 3)
						out.Seq = f.GetSeq()
						_ = s.Send(out)
					}()
					return nil
				}
				mu.Lock()
				defer mu.Unlock()
				if answered != tc.waits {
					t.Errorf("the second request came with the first answered: %v, want %v", answered, tc.waits)
				}
				if !answered {
					close(second)
				}
				return sell(s.Player, f.GetBuy(), 3)
			})
			m.server.Welcome = func(w *clientv1.Welcome) { w.NextRequest = 1 }
			r := replayed(t, m, Config{Tape: tc.tape(t)})
			if o := of(t, r, "buy"); o.Now["sold"] != 2 {
				t.Errorf("got %+v, want both answered", o)
			}
			<-first
		})
	}
}

func TestRecordedSale(t *testing.T) {
	s, err := look("../testdata/sale.tape", 1)
	if err != nil || s.requests != 1600 || len(s.names) != 20 || len(s.goods()) != 1 || s.goods()[0].GetPrice() != 1 || s.goods()[0].GetCurrency() != "gold" {
		t.Fatalf("got %+v, %v, want what was sold", s, err)
	}
	left := int64(1000)
	var mu sync.Mutex
	m := openMarket(t, func(player string, b *clientv1.Buy) *clientv1.ServerFrame {
		mu.Lock()
		defer mu.Unlock()
		if left == 0 {
			return refuse(clientv1.Code_CODE_SOLD_OUT)
		}
		left--
		return sell(player, b, 1)
	})
	r := replayed(t, m, Config{Tape: "../testdata/sale.tape", Speed: 10})
	o := of(t, r, "buy")
	if o.Then["sold"] != 1000 || o.Now["sold"] != 1000 || o.Then["sold out"] != 600 || o.Now["sold out"] != 600 || !allHold(r.Checks) {
		t.Errorf("got %+v and %+v, want as much sold as on the tape", o, r.Checks)
	}
}

func TestConfigSaysWhatCannotWork(t *testing.T) {
	for want, c := range map[string]Config{
		"Tape: missing":         {},
		"Speed: -1":             {Tape: "a", Speed: -1},
		"Scale: -1":             {Tape: "a", Scale: -1},
		"URL: http://x":         {Tape: "a", Target: launch.Target{URL: "http://x"}},
		"Admin: needed":         {Tape: "a", Target: launch.Target{URL: "ws://x"}},
		"Workers: 1000 is not":  {Tape: "a", Workers: 1000},
		"Patience: -1s is nega": {Tape: "a", Patience: -time.Second},
	} {
		if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want an error that begins with %q", err, want)
		}
	}
}
