package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

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
	at := target{url: cfg.URL, admin: cfg.Admin, adminToken: cfg.AdminToken, secret: cfg.Secret}
	if cfg.URL == "" {
		phase(cfg.Progress, "Starting a node in a process of its own")
		n, err := startNode(ctx, cfg.Executable, currency, balance)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, n.stop()) }()
		at = n.target
	}
	a := newAdmin(at.admin, at.adminToken)
	defer a.close()
	return holdSale(ctx, cfg, at, a)
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

// sale is one sale in progress.
type sale struct {
	SaleConfig
	target
	admin    admin
	run      string // begins the ids of this run's products and players
	products []product
	recorder *recorder
	ledgers  []*ledger
}

func holdSale(ctx context.Context, cfg SaleConfig, at target, a admin) (*SaleReport, error) {
	s := &sale{SaleConfig: cfg, target: at, admin: a, recorder: newRecorder()}
	s.run = "bench-" + uuid.NewString()[:8] + "-"
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
	return s.report(spent, open, books, verdict), nil
}

func phase(p Progress, name string) {
	if p != nil {
		p.Phase(name)
	}
}

// prepare puts the products on sale and makes the players able to pay.
func (s *sale) prepare(ctx context.Context) error {
	phase(s.Progress, fmt.Sprintf("Putting %s on sale", plural(s.SKUs, "product")))
	for i := range s.SKUs {
		p := product{sku: fmt.Sprintf("%ssku%d", s.run, i), stock: s.Stock}
		if err := s.admin.putProduct(ctx, p, s.Slices); err != nil {
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
	phase(s.Progress, fmt.Sprintf("Giving %s players money", thousands(int64(s.Players))))
	return s.eachPlayer(ctx, func(ctx context.Context, i int) error {
		return s.admin.grant(ctx, s.ledgers[i].player, balance)
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
	token, err := mintToken(s.secret, s.ledgers[i].player)
	return client.Options{Token: token, Name: "holdfast-bench", MaxInFlight: s.Outstanding}, err
}

// closed puts load in closed loop, and says how long.
func (s *sale) closed(ctx context.Context) (time.Duration, error) {
	phase(s.Progress, fmt.Sprintf("Connecting %s players", thousands(int64(s.Players))))
	loop := &closedLoop{
		products: s.products, quantity: s.Quantity, untilSoldOut: s.UntilSoldOut, patience: s.Patience,
	}
	shoppers := make([]*shopper, s.Players)
	defer func() {
		for _, p := range shoppers {
			if p != nil {
				_ = p.lane.Close()
			}
		}
	}()
	err := s.eachPlayer(ctx, func(ctx context.Context, i int) error {
		o, err := s.options(i)
		if err != nil {
			return err
		}
		l, err := client.DialLane(ctx, s.url, o)
		if err != nil {
			return err
		}
		shoppers[i] = &shopper{
			closedLoop: loop, lane: l, next: max(l.Welcome().GetNextRequest(), 1),
			ledger: s.ledgers[i], stripe: s.recorder.stripe(i),
			wanted: indexes(s.SKUs), random: rand.New(rand.NewPCG(s.Seed, uint64(i))),
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("connect: %w", err)
	}
	begin := time.Now()
	if s.Duration > 0 {
		loop.deadline = begin.Add(s.Duration)
		// A server that does not answer at all must not hold the run for ever.
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, loop.deadline.Add(s.Patience))
		defer cancel()
	}
	if s.Attempts > 0 {
		loop.attempts = new(atomic.Int64)
		loop.attempts.Store(s.Attempts)
	}
	err = s.observed(ctx, begin, func(ctx context.Context) { runClosed(ctx, shoppers) })
	return time.Since(begin), err
}

func indexes(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// open puts load in open loop, and says how long and how well.
func (s *sale) open(ctx context.Context) (time.Duration, *OpenLoop, error) {
	phase(s.Progress, fmt.Sprintf("Connecting %s players", thousands(int64(s.Players))))
	loop := &openLoop{
		products: s.products, quantity: s.Quantity, rate: s.Rate, length: s.Duration, patience: s.Patience,
		clerks: s.Outstanding, recorder: s.recorder, oversleep: newHistogram(),
		players: make([]*openPlayer, s.Players),
	}
	conns := make([]*client.Conn, s.Players)
	defer func() {
		for _, c := range conns {
			if c != nil {
				_ = c.Close()
			}
		}
	}()
	err := s.eachPlayer(ctx, func(ctx context.Context, i int) error {
		o, err := s.options(i)
		if err != nil {
			return err
		}
		conns[i], err = client.Dial(ctx, s.url, o)
		loop.players[i] = &openPlayer{conn: conns[i], ledger: s.ledgers[i]}
		return err
	})
	if err != nil {
		return 0, nil, fmt.Errorf("connect: %w", err)
	}
	loop.start = time.Now().Add(openLead)
	ctx, cancel := context.WithDeadline(ctx, loop.start.Add(s.Duration+s.Patience))
	defer cancel()
	err = s.observed(ctx, loop.start, func(ctx context.Context) { loop.run(ctx, s.Seed) })
	return time.Since(loop.start), loop.report(), err
}

// observed puts load while somebody watches.
func (s *sale) observed(ctx context.Context, begin time.Time, load func(context.Context)) error {
	if s.Progress == nil {
		load(ctx)
	} else {
		watching, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			watch(watching, s.Progress, s.recorder, begin, func(t *tally) float64 { return s.share(t, time.Since(begin)) })
		}()
		load(ctx)
		stop()
		<-done
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return context.Cause(ctx)
	}
	return nil
}

// share is how much of the run is done: by whichever bound is nearest.
func (s *sale) share(t *tally, elapsed time.Duration) float64 {
	var share float64
	if s.Duration > 0 {
		share = elapsed.Seconds() / s.Duration.Seconds()
	}
	if s.Attempts > 0 {
		share = max(share, float64(t.successes()+t.soldOut)/float64(s.Attempts))
	}
	if s.UntilSoldOut {
		share = max(share, float64(t.successes()*s.Quantity)/float64(s.Stock*int64(s.SKUs)))
	}
	return share
}

// settle reads the books until they have settled and agree, or time is up.
func (s *sale) settle(ctx context.Context) (*Books, Verdict, error) {
	until := time.Now().Add(s.Settle)
	for {
		books, err := s.admin.audit(ctx, s.run)
		if err != nil {
			return nil, Verdict{}, fmt.Errorf("read books: %w", err)
		}
		v := judge(s.products, currency, s.ledgers, books)
		if v.OK() && v.Settled || time.Now().After(until) {
			return books, v, nil
		}
		if !pause(ctx, auditPause) {
			return nil, Verdict{}, context.Cause(ctx)
		}
	}
}
