package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/client"
)

// closed puts load in closed loop, and says how long.
func (s *sale) closed(ctx context.Context) (time.Duration, error) {
	phase(s.Progress, fmt.Sprintf("Connecting %s players", figures.Thousands(int64(s.Players))))
	loop := &closedLoop{
		products: s.products, quantity: s.Quantity, untilSoldOut: s.UntilSoldOut, patience: s.Patience,
		history: s.History, repeat: s.Repeat,
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
		l, err := client.DialLane(ctx, rotate(s.target.URL, i), o)
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
	if err := s.startChronicle(ctx); err != nil {
		return 0, err
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

// rotate returns a list of gateways that begins with the n-th, so that players
// spread over all of them and each knows where else to go.
func rotate(urls string, n int) string {
	list := strings.Split(urls, ",")
	n %= len(list)
	return strings.Join(slices.Concat(list[n:], list[:n]), ",")
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
	phase(s.Progress, fmt.Sprintf("Connecting %s players", figures.Thousands(int64(s.Players))))
	loop := &openLoop{
		products: s.products, quantity: s.Quantity, rate: s.Rate, length: s.Duration, patience: s.Patience,
		clerks: s.Outstanding, recorder: s.recorder, history: s.History, repeat: s.Repeat, oversleep: figures.NewHistogram(),
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
		conns[i], err = client.Dial(ctx, rotate(s.target.URL, i), o)
		loop.players[i] = &openPlayer{conn: conns[i], ledger: s.ledgers[i]}
		return err
	})
	if err != nil {
		return 0, nil, fmt.Errorf("connect: %w", err)
	}
	if err := s.startChronicle(ctx); err != nil {
		return 0, nil, err
	}
	loop.start = time.Now().Add(openLead)
	if s.chronicle != nil {
		s.chronicle.sent, s.chronicle.rate = loop.sent.Load, s.Rate
	}
	ctx, cancel := context.WithDeadline(ctx, loop.start.Add(s.Duration+s.Patience))
	defer cancel()
	err = s.observed(ctx, loop.start, func(ctx context.Context) { loop.run(ctx, s.Seed) })
	s.oversleep = loop.oversleep
	return time.Since(loop.start), loop.report(), err
}

// startChronicle begins to write down what happens, if that is wanted.
func (s *sale) startChronicle(ctx context.Context) (err error) {
	if s.Record {
		s.chronicle, err = startChronicle(ctx, s.target)
	}
	return err
}

// observed puts load while somebody watches, and while wallets are read.
func (s *sale) observed(ctx context.Context, begin time.Time, load func(context.Context)) error {
	closeReaders, err := s.startReaders(ctx)
	if err != nil {
		return fmt.Errorf("connect readers: %w", err)
	}
	defer closeReaders()
	s.chronicle.started(begin)
	if s.Progress == nil && s.chronicle == nil {
		load(ctx)
	} else {
		watching, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			watch(watching, s.Progress, s.chronicle, s.recorder, begin, func(t *tally) float64 { return s.share(t, time.Since(begin)) })
		}()
		load(ctx)
		stop()
		<-done
		window, _ := s.recorder.drain()
		s.chronicle.finish(ctx, &window, time.Now())
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
