package chaos

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-game/holdfast/bench"
)

const (
	// scarceShare is the share of the load that wants what is soon sold out:
	// where units run out, overselling would show.
	scarceShare = 0.15
	// soldOutAt is when the scarce goods are sold out, as a share of the run.
	soldOutAt = 0.7
	// scarceGoods and plainGoods are numbers of products.
	scarceGoods, plainGoods = 20, 8
	// plainStock is never sold out.
	plainStock = 1 << 30

	// outstanding bounds a player's unanswered purchases.
	outstanding = 8
	// patience bounds finding out what became of a purchase, longer than any fault
	// and what follows from it.
	patience = 25 * time.Second
	// settlePatience bounds the wait until nothing is under way any more.
	settlePatience = 45 * time.Second

	// repeats is the share of purchases that are sent once more, reads is how
	// often a second wallets are read: both for the history's sake.
	repeats = 0.01
	reads   = 50
)

// sales are the load: one of plain goods and one of scarce ones, at once.
type sales struct {
	all     []*saleRun
	results chan error
}

// saleRun is told how one sale goes: it is a bench.Progress.
type saleRun struct {
	name     string
	started  chan struct{} // closed when the load has begun
	starting sync.Once
	over     atomic.Bool // the load is over
}

func (s *saleRun) Phase(string)    {}
func (s *saleRun) Tick(bench.Tick) { s.starting.Do(func() { close(s.started) }) }
func (s *saleRun) Done()           { s.over.Store(true) }

func (c *campaign) startSales(ctx context.Context) *sales {
	scarce := scarceShare * c.Rate
	few := c.Players / 5
	s := new(sales)
	configs := map[string]bench.SaleConfig{
		"plain": {Rate: c.Rate - scarce, Players: c.Players - few, SKUs: plainGoods, Stock: plainStock, Reads: reads},
		"scarce": {
			Rate: scarce, Players: few, SKUs: scarceGoods,
			Stock: max(1, int64(scarce*c.For.Seconds()*soldOutAt/scarceGoods)),
		},
	}
	s.results = make(chan error, len(configs))
	for name, cfg := range configs {
		cfg.URL, cfg.Admin = c.urls(), "http://"+c.cluster.gateways[0].admin
		cfg.AdminToken, cfg.Secret = c.cluster.secrets["admin.token"], c.cluster.secrets["auth.secret"]
		cfg.Duration, cfg.Outstanding, cfg.Patience, cfg.Settle, cfg.Seed = c.For, outstanding, patience, time.Second, c.Seed
		cfg.History, cfg.Repeat = c.recorder, repeats
		run := &saleRun{name: name, started: make(chan struct{})}
		cfg.Progress = run
		s.all = append(s.all, run)
		go func() { s.results <- c.holdSale(ctx, cfg, run) }()
	}
	return s
}

// holdSale holds one sale. What becomes of it after the load, when its books are
// looked at, does not matter: the history tells more.
func (c *campaign) holdSale(ctx context.Context, cfg bench.SaleConfig, run *saleRun) error {
	report, err := bench.Sale(ctx, cfg)
	switch {
	case err == nil:
		c.report.add(run.name, report)
	case !run.over.Load() || ctx.Err() != nil:
		return fmt.Errorf("hold sale of %s goods: %w", run.name, err)
	default:
		c.say("The %s sale's own look at the books failed: %v", run.name, err)
	}
	return nil
}

// awaitLoad returns when all sales have begun, or one has failed, with its error.
func (s *sales) awaitLoad(ctx context.Context) error {
	for _, run := range s.all {
		select {
		case <-run.started:
		case err := <-s.results:
			if err == nil {
				err = errors.New("a sale was over before another began")
			}
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// urls are the gateways, through their proxies.
func (c *campaign) urls() string {
	var all []string
	for _, g := range c.cluster.gateways {
		all = append(all, "ws://"+g.clients.address()+"/v1/ws")
	}
	return strings.Join(all, ",")
}

// wait returns when the sales are over.
func (s *sales) wait() error {
	var err error
	for range s.all {
		err = errors.Join(err, <-s.results)
	}
	return err
}
