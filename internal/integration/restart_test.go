package integration

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
)

// A node that held many players and was killed has them all when it is back.
// How long that takes is logged; bench/RESULTS.md has the figure.
func TestRestartWithManyPlayers(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	dir := t.TempDir()
	node := newProcess(t, binary, "many", dir, "serve", "--data", dir, "--node", "many", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--play=false")
	node.start()
	at := node.ready(ctx)

	grant(t, ctx, node, at, *drillResidents)
	node.kill()
	start := time.Now()
	node.start()
	at = node.ready(ctx)
	t.Logf("ready with %d players %v after exec", *drillResidents, time.Since(start).Round(time.Millisecond))

	got, err := operator(t, node, at).Audit(ctx, connect.NewRequest(&adminv1.AuditRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	if got := got.Msg.GetActors(); got != uint64(*drillResidents) {
		t.Errorf("actors after the restart: got %d, want %d", got, *drillResidents)
	}
}

// operator is a client of a node's admin listener.
func operator(t *testing.T, node *process, at addresses) adminv1connect.AdminServiceClient {
	t.Helper()
	token := node.secret(at.AdminTokenFile)
	bearer := connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
			r.Header().Set("Authorization", "Bearer "+token)
			return next(ctx, r)
		}
	})
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = granters
	t.Cleanup(transport.CloseIdleConnections)
	return adminv1connect.NewAdminServiceClient(&http.Client{Transport: transport}, "http://"+at.Admin, connect.WithInterceptors(bearer))
}

// granters bounds the grants under way at once.
const granters = 128

// grant brings n players into being.
func grant(t *testing.T, ctx context.Context, node *process, at addresses, n int) {
	t.Helper()
	client := operator(t, node, at)
	var g errgroup.Group
	g.SetLimit(granters)
	for i := range n {
		g.Go(func() error {
			_, err := client.Grant(ctx, connect.NewRequest(&adminv1.GrantRequest{
				Player: fmt.Sprintf("p%06d", i), Id: "welcome", Currency: "gold", Amount: 100,
			}))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatalf("grant: %v", err)
	}
}
