package bench

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/holdfast-game/holdfast/bench/launch"
	"github.com/holdfast-game/holdfast/client/clienttest"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// serveMarket is what this test binary does as `serve`: a market in place of a
// node, until ctx ends. BENCH_TEST_FAULT plants a fault in it.
func serveMarket(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	data := flags.String("data", "", "")
	for _, ignored := range []string{"listen", "admin", "node", "rate-limit", "play"} {
		flags.String(ignored, "", "")
	}
	funds := flags.String("start-balance", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if !strings.HasPrefix(*funds, currency+"=") {
		return fmt.Errorf("start-balance: got %q, want %s=…", *funds, currency)
	}
	fault := os.Getenv("BENCH_TEST_FAULT")
	m := &market{stock: make(map[string]int64), granted: make(map[string]int64)}
	server := clienttest.NewServer(func(s *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
		return m.shop.Handle(s, f)
	})
	defer server.Close()
	server.Identify = identify
	if fault == "lose" {
		m.fault = func(_ int, b *Books) { plant(b, "player/orders/completed", -1) }
	}
	mux := http.NewServeMux()
	mux.Handle(adminv1connect.NewAdminServiceHandler(&marketOperator{market: m}))
	operator := httptest.NewServer(mux)
	defer operator.Close()

	if err := os.WriteFile(filepath.Join(*data, "secret"), []byte(testSecret+"\n"), 0o600); err != nil {
		return err
	}
	token := filepath.Join(*data, "token")
	if err := os.WriteFile(token, []byte("a token\n"), 0o600); err != nil {
		return err
	}
	listen := strings.TrimSuffix(strings.TrimPrefix(server.URL, "ws://"), "/v1/ws")
	text, err := json.Marshal(launch.File{
		Listen: listen, Admin: strings.TrimPrefix(operator.URL, "http://"), SecretFile: "secret", AdminTokenFile: token,
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(*data, "node.json"), text, 0o600); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// marketOperator is a market's admin listener.
type marketOperator struct {
	adminv1connect.UnimplementedAdminServiceHandler
	market *market
}

func (o *marketOperator) PutProduct(ctx context.Context, r *connect.Request[adminv1.PutProductRequest]) (*connect.Response[adminv1.PutProductResponse], error) {
	p := product{sku: r.Msg.GetProduct().GetSku(), stock: r.Msg.GetStock()}
	return connect.NewResponse(new(adminv1.PutProductResponse)), o.market.putProduct(ctx, p, 0)
}

func (o *marketOperator) Audit(ctx context.Context, r *connect.Request[adminv1.AuditRequest]) (*connect.Response[adminv1.AuditResponse], error) {
	b, err := o.market.audit(ctx, r.Msg.GetRowsPrefix())
	if err != nil {
		return nil, err
	}
	rows := b.Players
	if r.Msg.GetRowsKind() == "stock" {
		rows = b.Slices
	}
	out := &adminv1.AuditResponse{Accounts: b.Total}
	for id, accounts := range rows {
		out.Rows = append(out.Rows, &adminv1.Row{Id: id, Accounts: accounts})
	}
	return connect.NewResponse(out), nil
}

func TestDemoCommand(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	out, _, err := run(t, "demo")
	if err != nil {
		t.Fatalf("got %v and\n%s", err, out)
	}
	if !strings.Contains(out, "✓ all 100,000 units sold, not one more") || strings.Contains(out, "✗") {
		t.Errorf("got\n%s\nwant every check to hold", out)
	}
	if left, _ := os.ReadDir(temp); len(left) != 0 {
		t.Errorf("got %v left behind, want nothing", left)
	}
}

func TestSaleCommandOnItsOwnNode(t *testing.T) {
	out, _, err := run(t, "bench", "sale", "--players", "4", "--stock", "50", "--attempts", "90", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var r SaleReport
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Purchases != 50 || r.SoldOut != 40 || !r.Parameters.OwnNode {
		t.Errorf("got %s, %v, want 50 bought and 40 sold out", out, err)
	}
}

// A check that does not hold is an error of the command, behind its report.
func TestSaleCommandWhoseChecksFail(t *testing.T) {
	t.Setenv("BENCH_TEST_FAULT", "lose")
	out, _, err := run(t, "bench", "sale", "--players", "4", "--attempts", "40", "--settle", "1ms")
	if err == nil || !strings.Contains(err.Error(), ErrChecks.Error()) || !strings.Contains(out, "✗ no acknowledged purchase is lost") {
		t.Errorf("got %v and\n%s\nwant the lost purchase in the report and an error", err, out)
	}
}
