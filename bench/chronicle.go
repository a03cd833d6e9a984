package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/bench/report"
)

// chronicle keeps what happened second by second, and what the nodes used
// meanwhile. nil keeps nothing.
type chronicle struct {
	sampler *report.Sampler
	begin   time.Time
	sent    func() int64 // so far, in open loop; else nil
	rate    float64      // of requests that fall due, in open loop

	series []report.Stretch
	// last may still grow by a short end of the run. open is behind it.
	last, open stretch
	err        error // the first
}

// stretch is a report.Stretch that grows.
type stretch struct {
	tally
	from, to time.Time
	sent     int64
}

const (
	// aStretch is how long one is, as a rule.
	aStretch = time.Second
	// shortEnd of a run belongs to the stretch before it: a rate over less than
	// this says little.
	shortEnd = aStretch / 2
)

func startChronicle(ctx context.Context, at target) (*chronicle, error) {
	s, err := report.StartSampler(ctx, report.SamplerConfig{Target: at.Target})
	if err != nil {
		return nil, err
	}
	return &chronicle{sampler: s}, nil
}

// started says when the load begins, and is told before anything is taken.
func (c *chronicle) started(at time.Time) {
	if c != nil {
		c.begin = at
		c.open = stretch{tally: tally{latency: figures.NewHistogram()}, from: at, to: at}
	}
}

// take adds what happened until now.
func (c *chronicle) take(window *tally, now time.Time) {
	if c == nil || !now.After(c.begin) {
		return
	}
	c.open.add(window)
	c.open.to = now
	if now.Sub(c.open.from) >= aStretch-barTick/2 {
		c.next()
	}
}

// next begins another stretch.
func (c *chronicle) next() {
	if c.sent != nil {
		c.open.sent = c.sent() - c.sentBefore()
	}
	c.keep(&c.last)
	c.last = c.open
	c.open = stretch{tally: tally{latency: figures.NewHistogram()}, from: c.last.to, to: c.last.to}
}

// sentBefore is what was sent before the open stretch.
func (c *chronicle) sentBefore() int64 {
	n := c.last.sent
	for _, s := range c.series {
		n += s.Sent
	}
	return n
}

// keep puts a stretch into the series.
func (c *chronicle) keep(s *stretch) {
	if s.latency == nil { // there was none
		return
	}
	d, err := report.NewDistribution(s.latency)
	c.err = errors.Join(c.err, err)
	out := report.Stretch{
		At: s.from.Sub(c.begin).Seconds(), Seconds: s.to.Sub(s.from).Seconds(),
		Sent: s.sent, Done: s.successes() + s.soldOut, Errors: s.errorsByName(), Latency: d,
	}
	if c.rate > 0 {
		out.Due = int64(c.rate * out.Seconds)
	}
	c.series = append(c.series, out)
}

// finish takes the rest of what happened: the load is over.
func (c *chronicle) finish(ctx context.Context, window *tally, now time.Time) {
	if c == nil {
		return
	}
	c.open.add(window)
	c.open.to = now
	if c.last.latency != nil && now.Sub(c.open.from) < shortEnd {
		if c.sent != nil {
			c.last.sent += c.sent() - c.sentBefore()
		}
		c.last.add(&c.open.tally)
		c.last.to = now
	} else {
		c.next()
	}
	c.keep(&c.last)
	c.stop(ctx)
}

// stop ends looking into the nodes, if that was not done.
func (c *chronicle) stop(ctx context.Context) {
	if c != nil {
		c.sampler.Stop(ctx)
	}
}

// run is all of it as a document.
func (c *chronicle) run(ctx context.Context, r *SaleReport, total *tally, oversleep *hdrhistogram.Histogram) (*report.Run, error) {
	p := r.Parameters
	loop := "closed loop"
	if p.Rate > 0 {
		loop = fmt.Sprintf("open loop at %s/s", figures.Thousands(int64(p.Rate)))
	}
	run := report.NewRun("sale", fmt.Sprintf("Sale to %s, %s", figures.Plural(p.Players, "player"), loop))
	run.Started, run.Seconds, run.Series, run.Machine = c.begin, r.DurationSeconds, c.series, r.Machine
	var err error
	if run.Latency, err = report.NewDistribution(total.latency); err != nil {
		return nil, err
	}
	if oversleep != nil {
		if run.Delay, err = report.NewDistribution(oversleep); err != nil {
			return nil, err
		}
		run.Limit = r.OpenLoop.Limit
	}
	run.Settings = []report.Setting{
		{Name: "Players", Value: figures.Thousands(int64(p.Players))},
		{Name: "Loop", Value: loop},
		{Name: "Products", Value: figures.Thousands(int64(p.SKUs))},
		{Name: "Stock of each", Value: figures.Thousands(p.Stock)},
		{Name: "Units a purchase", Value: figures.Thousands(p.Quantity)},
		{Name: "Unanswered a player", Value: strconv.Itoa(p.Outstanding)},
		{Name: "Seed", Value: strconv.FormatUint(p.Seed, 10)},
	}
	outcomes := map[string]int64{"sold": r.Purchases, "sold out": r.SoldOut, "unresolved": r.Unresolved}
	for name, n := range outcomes {
		if n == 0 {
			delete(outcomes, name)
		}
	}
	run.Outcomes = []report.Outcomes{{Kind: "buy", Now: outcomes}}
	for _, check := range r.Checks() {
		run.Checks = append(run.Checks, report.Check{Name: check.Name, OK: check.OK})
	}
	run.Notes = append(run.Notes, r.Complaints...)
	c.sampler.Fill(ctx, run)
	return run, c.err
}
