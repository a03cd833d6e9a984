package bench

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// Progress is told about a run while it goes on. nil: nobody wants to know.
type Progress interface {
	// Phase: another part of the run begins, such as connecting.
	Phase(name string)
	// Tick: a stretch of load was put.
	Tick(Tick)
	// Done: the load is over.
	Done()
}

// Tick is the state of a run, and what happened since the last Tick.
type Tick struct {
	Elapsed time.Duration
	// Share of the run that is done, 0 to 1.
	Share     float64
	Completed int64 // since the run began
	PerSecond float64
	P99       time.Duration
	SoldOut   int64
	Errors    int64
}

// barTick is how often a run tells how far it is.
const barTick = 250 * time.Millisecond

// NewProgress shows a bar when w is a terminal, else a line every second.
func NewProgress(w io.Writer) Progress { return shown{figures.NewMeter(w)} }

type shown struct{ *figures.Meter }

func (s shown) Tick(t Tick) { s.Meter.Tick(t.Elapsed, t.Share, t.describe()) }

func (t Tick) describe() string {
	s := fmt.Sprintf("%s done  %s/s  p99 %s", figures.Thousands(t.Completed), figures.Thousands(int64(t.PerSecond)), t.P99.Round(10*time.Microsecond))
	if t.SoldOut > 0 {
		s += fmt.Sprintf("  %s sold out", figures.Thousands(t.SoldOut))
	}
	if t.Errors > 0 {
		s += fmt.Sprintf("  %s errors", figures.Thousands(t.Errors))
	}
	return s
}

// watch reports to p and to c every barTick until ctx ends, and is the only one
// that drains r meanwhile. share says how much of the run is done.
func watch(ctx context.Context, p Progress, c *chronicle, r *recorder, begin time.Time, share func(*tally) float64) {
	tick := time.NewTicker(barTick)
	defer tick.Stop()
	last := begin
	for {
		select {
		case now := <-tick.C:
			window, total := r.drain()
			c.take(&window, now)
			if p == nil {
				continue
			}
			p.Tick(Tick{
				Elapsed: now.Sub(begin), Share: min(share(total), 1),
				Completed: total.successes(), PerSecond: figures.PerSecond(window.successes(), now.Sub(last)),
				P99:     time.Duration(window.latency.ValueAtQuantile(99)),
				SoldOut: total.soldOut, Errors: total.failures(),
			})
			last = now
		case <-ctx.Done():
			if p != nil {
				p.Done()
			}
			return
		}
	}
}
