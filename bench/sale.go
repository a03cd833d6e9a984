package bench

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/holdfast-game/holdfast/bench/chaos/history"
	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/bench/launch"
	"github.com/holdfast-game/holdfast/client"
)

const (
	currency = "gold"
	price    = 1
	// balance is what every player has: it never runs out, and the sum over all
	// players fits an int64.
	balance = 1 << 40

	// dialing is how many players connect, or are given money, at once.
	dialing = 64
	// openLead is between the start of an open loop and its first purchase, so
	// that everybody is waiting for his first when it is due.
	openLead = 50 * time.Millisecond

	// auditPause is the pause between two looks at books that have not settled.
	auditPause = 100 * time.Millisecond
)

// Sale holds a flash sale and compares what was acknowledged with the books. An
// error means that it could not be held; whether it went well says the report.
func Sale(ctx context.Context, cfg SaleConfig) (report *SaleReport, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("check sale: %w", err)
	}
	cfg = cfg.withDefaults()
	at := target{Target: cfg.cluster()}
	if cfg.URL == "" {
		phase(cfg.Progress, "Starting a node in a process of its own")
		n, err := launch.StartNode(ctx, cfg.Executable, cfg.serve()...)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, n.Stop()) }()
		at = target{n.Target, true}
	}
	a := newAdmin(at.Target)
	defer a.close()
	return holdSale(ctx, cfg, at, a)
}

// serve is how a node of one's own is started.
func (c SaleConfig) serve() []string {
	args := []string{"--start-balance", fmt.Sprintf("%s=%d", currency, balance)}
	if c.Tape != "" {
		args = append(args, "--record", c.Tape)
	}
	return args
}

// admin is the operator's side of a cluster, as much of it as a sale needs.
type admin interface {
	// putProduct offers a product with its initial stock.
	putProduct(ctx context.Context, p product, slices int) error
	// grant gives a player money, once for a player.
	grant(ctx context.Context, player string, amount int64) error
	// audit reads the books: totals, and rows for the slices and the players
	// whose id begins with prefix.
	audit(ctx context.Context, prefix string) (*Books, error)
}

// target is a cluster to hold a sale on.
type target struct {
	launch.Target
	// funded: new players have money already.
	funded bool
}

// sale is one sale in progress.
type sale struct {
	SaleConfig
	target
	admin    admin
	tls      *tls.Config
	run      string // begins the ids of this run's products and players
	products []product
	recorder *recorder
	ledgers  []*ledger
	// chronicle is there when the load begins, if Record is set.
	chronicle *chronicle
	oversleep *hdrhistogram.Histogram // of an open loop that has ended; else nil
}

func holdSale(ctx context.Context, cfg SaleConfig, at target, a admin) (*SaleReport, error) {
	s := &sale{SaleConfig: cfg, target: at, admin: a, tls: at.TLS(), recorder: newRecorder()}
	s.run = "bench-" + uuid.NewString()[:8] + "-"
	defer func() { s.chronicle.stop(ctx) }()
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	var spent time.Duration
	var open *OpenLoop
	var err error
	if cfg.Rate > 0 {
		spent, open, err = s.open(ctx)
	} else {
		spent, err = s.closed(ctx)
	}
	if err != nil {
		return nil, err
	}
	phase(cfg.Progress, "Comparing with the books")
	books, verdict, err := s.settle(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.History.PutBooks(history.Books{Accounts: books.Total, Settled: verdict.Settled}); err != nil {
		return nil, err
	}
	r := s.report(spent, open, books, verdict)
	if s.chronicle != nil {
		_, total := s.recorder.drain()
		if r.Run, err = s.chronicle.run(ctx, r, total, s.oversleep); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func phase(p Progress, name string) {
	if p != nil {
		p.Phase(name)
	}
}

// prepare puts the products on sale and makes the players able to pay.
func (s *sale) prepare(ctx context.Context) error {
	phase(s.Progress, fmt.Sprintf("Putting %s on sale", figures.Plural(s.SKUs, "product")))
	for i := range s.SKUs {
		p := product{sku: fmt.Sprintf("%ssku%d", s.run, i), stock: s.Stock}
		asked := s.History.Now()
		err := s.admin.putProduct(ctx, p, s.Slices)
		s.noteStock(p, asked, err)
		if err != nil {
			return fmt.Errorf("put product on sale: %w", err)
		}
		s.products = append(s.products, p)
	}
	for i := range s.Players {
		s.ledgers = append(s.ledgers, newLedger(fmt.Sprintf("%splayer%d", s.run, i), s.SKUs))
	}
	if s.funded {
		return nil
	}
	phase(s.Progress, fmt.Sprintf("Giving %s players money", figures.Thousands(int64(s.Players))))
	return s.eachPlayer(ctx, func(ctx context.Context, i int) error {
		asked := s.History.Now()
		err := s.admin.grant(ctx, s.ledgers[i].player, balance)
		s.noteGrant(s.ledgers[i].player, asked, err)
		return err
	})
}

// eachPlayer calls fn for every player, many at once.
func (s *sale) eachPlayer(ctx context.Context, fn func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(dialing)
	for i := range s.Players {
		g.Go(func() error {
			if err := fn(ctx, i); err != nil {
				return fmt.Errorf("player %s: %w", s.ledgers[i].player, err)
			}
			return nil
		})
	}
	return g.Wait()
}

func (s *sale) options(i int) (client.Options, error) {
	token, err := s.Token(s.ledgers[i].player)
	return client.Options{Token: token, Name: "holdfast-bench", MaxInFlight: s.Outstanding, TLS: s.tls}, err
}

// settle reads the books until they have settled and agree, or time is up.
func (s *sale) settle(ctx context.Context) (*Books, Verdict, error) {
	until := time.Now().Add(s.Settle)
	for {
		books, err := s.admin.audit(ctx, s.run)
		if err != nil {
			return nil, Verdict{}, fmt.Errorf("read books: %w", err)
		}
		v := judge(s.products, s.ledgers, books)
		if v.OK() && v.Settled || time.Now().After(until) {
			return books, v, nil
		}
		if !pause(ctx, auditPause) {
			return nil, Verdict{}, context.Cause(ctx)
		}
	}
}
