package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/holdfast-game/holdfast/bench/baseline"
	"github.com/holdfast-game/holdfast/bench/figures"
)

// contender is one of those that are compared.
type contender struct {
	name, title string
	// missing says why it cannot run here; nil: it can.
	missing error
	// run measures it once, from an empty start to a clean end.
	run func(ctx context.Context, connections int) (measured, error)
}

// measured is what one measurement came to.
type measured struct {
	perSecond float64
	latency   figures.Latency
	// errors counts what went wrong on the way, by name. A purchase that was
	// refused for a while was sent again.
	errors map[string]int64
	// failed are the checks that do not hold.
	failed []string
}

// The names of those that are no peers.
const (
	echoName     = "echo"
	holdfastName = "holdfast"
)

const (
	// peersStock is never sold out.
	peersStock = 1_000_000_000
	// peersPatience lets those end that have lost one race after the other: only
	// when others stop do they win.
	peersPatience = time.Minute
)

// ContenderNames are those of everything that can be compared.
func ContenderNames() []string {
	names := []string{echoName, holdfastName}
	for _, p := range baseline.Peers() {
		names = append(names, p.Name)
	}
	return names
}

// contenders are all that there are, in the order of ContenderNames.
func contenders(cfg PeersConfig) []contender {
	all := []contender{
		{name: echoName, title: "bare echo", run: func(ctx context.Context, connections int) (measured, error) {
			r, err := Echo(ctx, EchoConfig{Connections: connections, Duration: cfg.Duration, Executable: cfg.Executable})
			if err != nil {
				return measured{}, err
			}
			return measured{perSecond: r.RequestsPerSecond, latency: r.LatencyMs, errors: r.Errors}, nil
		}},
		{name: holdfastName, title: "Holdfast", run: func(ctx context.Context, connections int) (measured, error) {
			r, err := Sale(ctx, peersSale(connections, cfg.Duration, cfg.Executable))
			if err != nil {
				return measured{}, err
			}
			return ofSale(r), nil
		}},
	}
	for _, p := range baseline.Peers() {
		all = append(all, contender{name: p.Name, title: p.Title, missing: p.Missing(),
			run: func(ctx context.Context, connections int) (measured, error) {
				return runPeer(ctx, p, peersSale(connections, cfg.Duration, cfg.Executable))
			}})
	}
	return all
}

func peersSale(connections int, length time.Duration, executable []string) SaleConfig {
	return SaleConfig{Players: connections, Duration: length, Stock: peersStock, Patience: peersPatience, Executable: executable}
}

func ofSale(r *SaleReport) measured {
	m := measured{perSecond: r.PurchasesPerSecond, latency: r.LatencyMs, errors: r.Errors}
	for _, c := range r.Checks() {
		if !c.OK {
			m.failed = append(m.failed, c.Name)
		}
	}
	return m
}

// runPeer holds the sale that Holdfast has to hold.
func runPeer(ctx context.Context, p baseline.Peer, cfg SaleConfig) (m measured, err error) {
	peer, err := p.Start(ctx, cfg.Executable)
	if err != nil {
		return measured{}, err
	}
	defer func() { err = errors.Join(err, peer.Stop()) }()
	r, err := holdSale(ctx, cfg.withDefaults(), target{Target: peer.Target}, newPeerAdmin(peer.Store))
	if err != nil {
		return measured{}, err
	}
	return ofSale(r), nil
}

// peerAdmin is the operator's side of a peer. Its books are judged as Holdfast's
// are.
type peerAdmin struct {
	store   baseline.Store
	initial map[string]int64 // units, by SKU
}

func newPeerAdmin(s baseline.Store) *peerAdmin { return &peerAdmin{s, make(map[string]int64)} }

func (a *peerAdmin) putProduct(ctx context.Context, p product, _ int) error {
	a.initial[p.sku] = p.stock
	return a.store.PutProduct(ctx, baseline.Product{SKU: p.sku, Price: price, Stock: p.stock})
}

func (a *peerAdmin) grant(ctx context.Context, player string, amount int64) error {
	return a.store.Grant(ctx, player, amount)
}

func (a *peerAdmin) audit(ctx context.Context, _ string) (*Books, error) {
	books, err := a.store.Books(ctx)
	if err != nil {
		return nil, err
	}
	b := &Books{Total: make(Accounts), Players: make(map[string]Accounts), Slices: make(map[string]Accounts)}
	for sku, left := range books.Left {
		at := "stock/" + sku + "/"
		// All of a product's stock is one slice.
		slice := Accounts{at + "initial": a.initial[sku], at + "free": left, at + "sold": a.initial[sku] - left}
		b.Slices[sku+"/0"] = slice
		b.Total.add(slice)
	}
	for player, left := range books.Wallets {
		b.Players[player] = Accounts{"player/spent/" + currency: balance - left}
	}
	for _, o := range books.Orders {
		player := b.Players[o.Player]
		if player == nil {
			return nil, fmt.Errorf("audit: an order of %s, who has no wallet", o.Player)
		}
		player["player/orders/completed"]++
		player["player/orders/digest"] += int64(xxhash.Sum64String(fmt.Sprintf("%s/%d", o.Player, o.Request)))
		player["player/"+o.SKU+"/granted"] += o.Quantity
		player["player/priced/"+currency] += o.Price
	}
	for _, accounts := range b.Players {
		b.Total.add(accounts)
	}
	return b, nil
}

// add adds another's amounts.
func (a Accounts) add(b Accounts) {
	for name, n := range b {
		a[name] += n
	}
}
