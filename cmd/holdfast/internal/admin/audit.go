package admin

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	"github.com/holdfast-game/holdfast/cluster"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard"
)

// Second words of the players' accounts that are not about a product.
const (
	accountSpent  = "spent"
	accountPriced = "priced"
	accountOrders = "orders"
)

// Audit adds up the books of all shards.
func (s *Service) Audit(ctx context.Context, req *connect.Request[adminv1.AuditRequest]) (*connect.Response[adminv1.AuditResponse], error) {
	ask := &clusterv1.AuditShard{RowsKind: req.Msg.GetRowsKind(), RowsPrefix: req.Msg.GetRowsPrefix()}
	out := &adminv1.AuditResponse{Accounts: make(map[string]int64), Shards: uint32(s.view.Shards())}

	var mu sync.Mutex // guards out
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i := range cluster.ShardID(s.view.Shards()) {
		g.Go(func() error {
			var books clusterv1.ShardAudit
			if err := s.call(ctx, cluster.ShardActor(i), shard.MethodAudit, ask, &books); err != nil {
				return wrap(err, "audit shard %s", i)
			}
			mu.Lock()
			defer mu.Unlock()
			add(out, &books)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	slices.SortFunc(out.Rows, func(a, b *adminv1.Row) int { return cmp.Compare(a.GetId(), b.GetId()) })
	derive(out)
	return connect.NewResponse(out), nil
}

// add adds one shard's books to the sums.
func add(out *adminv1.AuditResponse, books *clusterv1.ShardAudit) {
	for account, amount := range books.GetAccounts() {
		out.Accounts[account] += amount
	}
	out.Actors += books.GetActors()
	for _, r := range books.GetRows() {
		out.Rows = append(out.Rows, &adminv1.Row{Id: r.GetId(), Accounts: r.GetAccounts()})
	}
}

// derive sorts the sums by product and currency and judges them.
func derive(out *adminv1.AuditResponse) {
	stock := make(map[string]*adminv1.StockBooks)
	money := make(map[string]*adminv1.MoneyBooks)
	for account, amount := range out.GetAccounts() {
		words := strings.Split(account, "/")
		if len(words) != 3 {
			continue // a kind that keeps books of its own
		}
		switch about, what := words[1], words[2]; {
		case words[0] == "stock":
			addStock(of(stock, about), what, amount)
		case words[0] != "player" || about == accountOrders:
		case about == accountSpent:
			of(money, what).Spent += amount
		case about == accountPriced:
			of(money, what).Priced += amount
		default:
			addGoods(of(stock, about), what, amount)
		}
	}
	out.Conserved, out.Settled = true, true
	for _, sku := range slices.Sorted(maps.Keys(stock)) {
		b := stock[sku]
		b.Sku, b.Conserved = sku, conserved(b)
		out.Stock = append(out.Stock, b)
		out.Conserved = out.Conserved && b.Conserved
		out.Settled = out.Settled && b.Held == 0 && b.Unconfirmed == 0 && b.InTransit == 0
	}
	for _, currency := range slices.Sorted(maps.Keys(money)) {
		b := money[currency]
		b.Currency, b.Conserved = currency, b.Spent == b.Priced
		out.Money = append(out.Money, b)
		out.Conserved = out.Conserved && b.Conserved
	}
}

// of returns the books of that name, which are opened when there are none.
func of[T any](books map[string]*T, name string) *T {
	b, ok := books[name]
	if !ok {
		b = new(T)
		books[name] = b
	}
	return b
}

// addStock adds an account of a product's slices.
func addStock(b *adminv1.StockBooks, what string, amount int64) {
	switch what {
	case "initial":
		b.Initial += amount
	case "restocked":
		b.Restocked += amount
	case "free":
		b.Free += amount
	case "held":
		b.Held += amount
	case "sold":
		b.Sold += amount
	case "lent":
		b.InTransit += amount
	case "received":
		b.InTransit -= amount
	}
}

// addGoods adds an account of the players about a product.
func addGoods(b *adminv1.StockBooks, what string, amount int64) {
	switch what {
	case "granted":
		b.Granted += amount
	case "unconfirmed":
		b.Unconfirmed += amount
	}
}

// conserved says that no unit came from nowhere, was lost or was sold twice. A
// unit that is completed but unconfirmed may already be booked as sold, with the
// slice's confirmation on its way.
func conserved(b *adminv1.StockBooks) bool {
	return b.Initial+b.Restocked == b.Free+b.Held+b.Sold+b.InTransit &&
		min(b.Initial, b.Restocked, b.Free, b.Held, b.Sold, b.InTransit, b.Granted, b.Unconfirmed) >= 0 &&
		b.Sold <= b.Granted && b.Granted-b.Unconfirmed <= b.Sold
}
