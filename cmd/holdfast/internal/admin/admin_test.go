package admin_test

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/audit"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/admin"
	"github.com/holdfast-game/holdfast/internal/devstack"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard"
)

const token = "sesame"

// desk is a running admin listener before actors that the test plays.
type desk struct {
	client  adminv1connect.AdminServiceClient
	service *admin.Service
	url     string
	view    *cluster.View
	js      jetstream.JetStream
	trail   trail
	tapes   tapes

	mu    sync.Mutex
	ready error
	// players may call as well as operators.
	players bool
	// act answers for all actors; calls are what they were asked, by actor.
	act   func(c *cluster.Command) *cluster.Answer
	calls map[string][]proto.Message
}

// trail plays the audit stream.
type trail struct {
	records  []*clusterv1.OwnerRecord // the latest first
	receipts []*clusterv1.MoveReceipt
	err      error
}

func (tr *trail) Owners(_ context.Context, s cluster.ShardID, limit int) (out []*clusterv1.OwnerRecord, err error) {
	for _, r := range tr.records {
		if r.GetShard() == uint32(s) && len(out) < limit {
			out = append(out, r)
		}
	}
	return out, tr.err
}

func (tr *trail) At(_ context.Context, s cluster.ShardID, at time.Time) (*clusterv1.OwnerRecord, error) {
	for _, r := range tr.records {
		if r.GetShard() == uint32(s) && !r.GetAt().AsTime().After(at) {
			return r, tr.err
		}
	}
	return nil, cmp.Or(tr.err, audit.ErrNoRecord)
}

func (tr *trail) Moves(_ context.Context, limit int) ([]*clusterv1.MoveReceipt, error) {
	return tr.receipts[:min(limit, len(tr.receipts))], tr.err
}

// Call plays the router and the actors behind it.
func (d *desk) Call(_ context.Context, c *cluster.Command) (*cluster.Answer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !c.Caller.Admin && !d.players {
		return &cluster.Answer{Code: clientv1.Code_CODE_UNAUTHENTICATED}, nil
	}
	to := c.To.String() + "." + c.Method
	d.calls[to] = append(d.calls[to], c.Body)
	return d.act(c), nil
}

func openDesk(t *testing.T) *desk {
	t.Helper()
	stack := devstack.Test(t)
	etcd, err := cluster.Connect(cluster.ConnectConfig{Endpoints: stack.EtcdEndpoints()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = etcd.Close() })
	view, err := cluster.OpenView(t.Context(), etcd, cluster.Config{Shards: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(view.Close)

	nc, err := stack.ConnectNATS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{view: view, js: js, calls: make(map[string][]proto.Message)}
	d.act = func(c *cluster.Command) *cluster.Answer { return &cluster.Answer{Body: &clusterv1.Restocked{}} }
	service, err := admin.NewService(admin.Deps{
		Router: d, View: view, Trail: &d.trail, Letters: shard.NewLetterbox(d.js, view.ClusterID()), Tapes: &d.tapes,
		Log: func(_ context.Context, inc cluster.Incarnation) (shard.LogSize, error) {
			return shard.LogSize{Name: cluster.LogName("log_" + inc), First: 3, Last: 8, Bytes: 4096}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := admin.New(admin.Config{
		Token:   token,
		Ready:   func() error { d.mu.Lock(); defer d.mu.Unlock(); return d.ready },
		Metrics: prometheus.NewRegistry(),
		Logger:  slog.New(slog.DiscardHandler),
	}, service)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		s.Shutdown(ctx)
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	d.service = service
	d.url = "http://" + ln.Addr().String()
	d.client = adminv1connect.NewAdminServiceClient(http.DefaultClient, d.url, connect.WithInterceptors(bearing(token)))
	return d
}

// bearing adds the token to what a client sends.
func bearing(token string) connect.UnaryInterceptorFunc {
	return func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
			r.Header().Set("Authorization", "Bearer "+token)
			return next(ctx, r)
		}
	}
}

func (d *desk) putProduct(t *testing.T, p *clusterv1.Product, stock int64) (*clusterv1.Product, error) {
	t.Helper()
	resp, err := d.client.PutProduct(t.Context(), connect.NewRequest(&adminv1.PutProductRequest{Product: p, Stock: stock}))
	if err != nil {
		return nil, err
	}
	return resp.Msg.GetProduct(), nil
}

// awaitProduct waits until the watch has brought a product.
func (d *desk) awaitProduct(t *testing.T, sku string) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if _, ok := d.view.Catalog().Product(sku); ok {
			return
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("the catalog never showed %s", sku)
		}
	}
}

func TestOnlyBearersOfTheTokenAreAnswered(t *testing.T) {
	d := openDesk(t)
	for name, header := range map[string]string{
		"nothing": "", "another token": "Bearer open", "a longer one": "Bearer " + token + "s",
		"no scheme": token, "another scheme": "Basic " + token, "an empty one": "Bearer ",
	} {
		c := adminv1connect.NewAdminServiceClient(http.DefaultClient, d.url)
		req := connect.NewRequest(&adminv1.NodesRequest{})
		if header != "" {
			req.Header().Set("Authorization", header)
		}
		if _, err := c.Nodes(t.Context(), req); connect.CodeOf(err) != connect.CodeUnauthenticated {
			t.Errorf("%s: %v, want unauthenticated", name, err)
		}
	}
	if _, err := d.client.Nodes(t.Context(), connect.NewRequest(&adminv1.NodesRequest{})); err != nil {
		t.Errorf("the token: %v", err)
	}
}

func TestPlainHTTPWithJSON(t *testing.T) {
	d := openDesk(t)
	for bearer, want := range map[string]int{token: http.StatusOK, "": http.StatusUnauthorized} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			d.url+"/holdfast.admin.v1.AdminService/Shards", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+bearer)
		status, body := do(t, req)
		if status != want {
			t.Errorf("bearer %q: status %d: %s, want %d", bearer, status, body, want)
		}
	}
}

func TestHealth(t *testing.T) {
	d := openDesk(t)
	get := func(path string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		return do(t, req)
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/debug/pprof/"} {
		if status, body := get(path); status != http.StatusOK {
			t.Errorf("%s: status %d: %s", path, status, body)
		}
	}
	d.mu.Lock()
	d.ready = io.ErrUnexpectedEOF
	d.mu.Unlock()
	if status, body := get("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "unexpected EOF") {
		t.Errorf("not ready: status %d, %q, want 503 and why", status, body)
	}
	if status, _ := get("/healthz"); status != http.StatusOK {
		t.Errorf("a node that is not ready is not healthy: status %d", status)
	}
}

func do(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestProfilesAreForTheMachineItself(t *testing.T) {
	d := openDesk(t)
	for bearer, want := range map[string]int{"": http.StatusUnauthorized, token: http.StatusOK} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+"/debug/pprof/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "rebound.example" // as a web page would have a browser say
		req.Header.Set("Authorization", "Bearer "+bearer)
		if status, _ := do(t, req); status != want {
			t.Errorf("bearer %q: status %d, want %d", bearer, status, want)
		}
	}
}

func TestPutProductSpreadsItsStock(t *testing.T) {
	d := openDesk(t)
	p := &clusterv1.Product{Sku: "sword", Title: "Sword", Price: 5, Currency: "gold", Slices: 3}
	for range 2 {
		if _, err := d.putProduct(t, p, 10); err != nil {
			t.Fatal(err)
		}
	}
	var sum int64
	for _, id := range []string{"sword/0", "sword/1", "sword/2"} {
		calls := d.calls["stock/"+id+".Restock"]
		if len(calls) != 2 {
			t.Fatalf("slice %s was asked %d times, want 2", id, len(calls))
		}
		first, again := calls[0].(*clusterv1.Restock), calls[1].(*clusterv1.Restock)
		if !proto.Equal(first, again) {
			t.Errorf("slice %s: the repeated call asks %v, the first %v", id, again, first)
		}
		if first.GetId() != "initial" || !first.GetInitial() || first.GetQuantity() < 3 || first.GetQuantity() > 4 {
			t.Errorf("slice %s was asked %v", id, first)
		}
		sum += first.GetQuantity()
	}
	if sum != 10 {
		t.Errorf("the slices got %d units, want 10", sum)
	}
	if got, ok := d.view.Catalog().Product("sword"); ok && !proto.Equal(got, p) {
		t.Errorf("the catalog has %v, want %v", got, p)
	}
}

func TestPutProductChoosesSlices(t *testing.T) {
	d := openDesk(t)
	for sku, tc := range map[string]struct {
		stock int64
		want  uint32
	}{"one": {1, 1}, "none": {0, 1}, "some": {320, 5}, "many": {1_000_000, 16}} {
		p, err := d.putProduct(t, &clusterv1.Product{Sku: sku}, tc.stock)
		if err != nil {
			t.Fatal(err)
		}
		if p.GetSlices() != tc.want {
			t.Errorf("stock %d: %d slices, want %d", tc.stock, p.GetSlices(), tc.want)
		}
	}
}

func TestPutProductRefuses(t *testing.T) {
	d := openDesk(t)
	for name, tc := range map[string]struct {
		product *clusterv1.Product
		stock   int64
	}{
		"nothing":         {nil, 1},
		"no SKU":          {&clusterv1.Product{}, 1},
		"a long SKU":      {&clusterv1.Product{Sku: strings.Repeat("x", 65)}, 1},
		"a reserved SKU":  {&clusterv1.Product{Sku: "spent"}, 1},
		"a slash":         {&clusterv1.Product{Sku: "a/b"}, 1},
		"negative stock":  {&clusterv1.Product{Sku: "a"}, -1},
		"too many slices": {&clusterv1.Product{Sku: "a", Slices: 257}, 1},
	} {
		if _, err := d.putProduct(t, tc.product, tc.stock); connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Errorf("%s: %v, want invalid_argument", name, err)
		}
	}
	if len(d.calls) != 0 {
		t.Errorf("actors were asked: %v", d.calls)
	}
}

func TestRestock(t *testing.T) {
	d := openDesk(t)
	if _, err := d.putProduct(t, &clusterv1.Product{Sku: "sword", Slices: 4}, 0); err != nil {
		t.Fatal(err)
	}
	d.awaitProduct(t, "sword")
	for name, tc := range map[string]struct {
		req  *adminv1.RestockRequest
		want connect.Code
	}{
		"no such product": {&adminv1.RestockRequest{Sku: "axe", Id: "a", Quantity: 1}, connect.CodeNotFound},
		"no id":           {&adminv1.RestockRequest{Sku: "sword", Quantity: 1}, connect.CodeInvalidArgument},
		"a reserved id":   {&adminv1.RestockRequest{Sku: "sword", Id: "initial", Quantity: 1}, connect.CodeInvalidArgument},
		"nothing":         {&adminv1.RestockRequest{Sku: "sword", Id: "a"}, connect.CodeInvalidArgument},
	} {
		if _, err := d.client.Restock(t.Context(), connect.NewRequest(tc.req)); connect.CodeOf(err) != tc.want {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
	// Two units for four slices: two of them are left alone.
	req := &adminv1.RestockRequest{Sku: "sword", Id: "a", Quantity: 2}
	if _, err := d.client.Restock(t.Context(), connect.NewRequest(req)); err != nil {
		t.Fatal(err)
	}
	if len(d.calls) != 2 {
		t.Errorf("asked %v, want two slices", d.calls)
	}
}

func TestRefusalsThatPassAreRepeated(t *testing.T) {
	d := openDesk(t)
	answers := []*cluster.Answer{
		{Code: clientv1.Code_CODE_UNAVAILABLE, RetryAfterMs: 1},
		{Code: clientv1.Code_CODE_OVERLOADED, RetryAfterMs: 1},
		{Body: &clusterv1.Granted{Balance: 42}},
	}
	d.act = func(*cluster.Command) (a *cluster.Answer) {
		a, answers = answers[0], answers[1:]
		return a
	}
	resp, err := d.client.Grant(t.Context(), connect.NewRequest(&adminv1.GrantRequest{Player: "p", Id: "g", Currency: "gold", Amount: 1}))
	if err != nil || resp.Msg.GetBalance() != 42 {
		t.Errorf("grant: %v, %v", resp, err)
	}
}

func TestRefusalsThatStayAreReported(t *testing.T) {
	d := openDesk(t)
	d.act = func(*cluster.Command) *cluster.Answer {
		return &cluster.Answer{Code: clientv1.Code_CODE_INVALID_ARGUMENT, Text: "amount: 0"}
	}
	_, err := d.client.Grant(t.Context(), connect.NewRequest(&adminv1.GrantRequest{Player: "p"}))
	if connect.CodeOf(err) != connect.CodeInvalidArgument || !strings.Contains(err.Error(), "player p") || !strings.Contains(err.Error(), "amount: 0") {
		t.Errorf("error %v does not say whom it was for, and why not", err)
	}
}

func TestAnswersOverTheWireAreDecoded(t *testing.T) {
	d := openDesk(t)
	d.act = func(*cluster.Command) *cluster.Answer {
		payload, err := proto.Marshal(&clusterv1.Granted{Balance: 7})
		if err != nil {
			t.Error(err)
		}
		return &cluster.Answer{Payload: payload}
	}
	resp, err := d.client.Grant(t.Context(), connect.NewRequest(&adminv1.GrantRequest{Player: "p"}))
	if err != nil || resp.Msg.GetBalance() != 7 {
		t.Errorf("grant: %v, %v", resp, err)
	}
}

func TestAuditSumsAllShards(t *testing.T) {
	d := openDesk(t)
	d.act = func(c *cluster.Command) *cluster.Answer {
		books := &clusterv1.ShardAudit{Actors: 2, Accounts: map[string]int64{
			"stock/sword/initial": 10, "stock/sword/free": 7, "stock/sword/sold": 3,
			"player/sword/granted": 3, "player/spent/gold": 30, "player/priced/gold": 30, "player/orders/digest": 1 << 60,
		}}
		if ask := c.Body.(*clusterv1.AuditShard); ask.GetRowsKind() == "player" && ask.GetRowsPrefix() == "p" {
			books.Rows = []*clusterv1.ActorAccounts{{Id: "p" + c.To.ID, Accounts: map[string]int64{"player/sword/granted": 3}}}
		}
		return &cluster.Answer{Body: books}
	}
	resp, err := d.client.Audit(t.Context(), connect.NewRequest(&adminv1.AuditRequest{RowsKind: "player", RowsPrefix: "p"}))
	if err != nil {
		t.Fatal(err)
	}
	got := resp.Msg
	want := &adminv1.StockBooks{Sku: "sword", Initial: 40, Free: 28, Sold: 12, Granted: 12, Conserved: true}
	if len(got.GetStock()) != 1 || !proto.Equal(got.GetStock()[0], want) {
		t.Errorf("stock %v, want %v", got.GetStock(), want)
	}
	money := &adminv1.MoneyBooks{Currency: "gold", Spent: 120, Priced: 120, Conserved: true}
	if len(got.GetMoney()) != 1 || !proto.Equal(got.GetMoney()[0], money) {
		t.Errorf("money %v, want %v", got.GetMoney(), money)
	}
	if !got.GetConserved() || !got.GetSettled() || got.GetActors() != 8 || got.GetShards() != 4 {
		t.Errorf("audit %v", got)
	}
	if len(got.GetRows()) != 4 || got.GetRows()[0].GetId() != "p0" || got.GetRows()[3].GetId() != "p3" {
		t.Errorf("rows %v", got.GetRows())
	}
}

func TestAuditOfAShardThatFails(t *testing.T) {
	d := openDesk(t)
	d.act = func(c *cluster.Command) *cluster.Answer {
		if c.To.ID == "2" {
			return &cluster.Answer{Code: clientv1.Code_CODE_INTERNAL, Text: "corrupt"}
		}
		return &cluster.Answer{Body: &clusterv1.ShardAudit{}}
	}
	_, err := d.client.Audit(t.Context(), connect.NewRequest(&adminv1.AuditRequest{}))
	if err == nil || !strings.Contains(err.Error(), "shard 2") || !strings.Contains(err.Error(), "corrupt") {
		t.Errorf("error %v does not name the shard and what is wrong", err)
	}
}

func TestShardsWithoutOwners(t *testing.T) {
	d := openDesk(t)
	resp, err := d.client.Shards(t.Context(), connect.NewRequest(&adminv1.ShardsRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	if len(resp.Msg.GetShards()) != 4 || resp.Msg.GetShards()[3].GetShard() != 3 || resp.Msg.GetShards()[3].GetOwner() != nil {
		t.Errorf("shards %v", resp.Msg.GetShards())
	}
}
