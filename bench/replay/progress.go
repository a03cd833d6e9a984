package replay

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// Progress is told about a replay while it goes on.
type Progress interface {
	// Phase: another part begins, such as reading the tape.
	Phase(name string)
	// Tick: some more was sent.
	Tick(Tick)
	// Done: the load is over.
	Done()
}

// Tick is the state of a replay, and what happened lately.
type Tick struct {
	Elapsed time.Duration
	// Share of the requests that were sent, 0 to 1.
	Share  float64
	Sent   int64 // since the replay began
	Errors int64 // the same
	// PerSecond requests were sent in the last second, with P99 of latency.
	PerSecond float64
	P99       time.Duration
	// Lag is how far the worker that is farthest behind is behind its schedule.
	Lag time.Duration
}

func (t Tick) describe() string {
	s := fmt.Sprintf("%s sent  %s/s  p99 %s  lag %s", figures.Thousands(t.Sent), figures.Thousands(int64(t.PerSecond)),
		t.P99.Round(10*time.Microsecond), t.Lag.Round(10*time.Microsecond))
	if t.Errors > 0 {
		s += fmt.Sprintf("  %s errors", figures.Thousands(t.Errors))
	}
	return s
}

// NewProgress shows a bar when w is a terminal, else a line every second.
func NewProgress(w io.Writer) Progress { return shown{figures.NewMeter(w)} }

type shown struct{ *figures.Meter }

func (s shown) Tick(t Tick) { s.Meter.Tick(t.Elapsed, t.Share, t.describe()) }

// board gathers what workers say while they work, and shows it.
type board struct {
	run   *run
	stop  chan struct{}
	ended chan struct{}

	mu     sync.Mutex // guards what follows, and of the run the seconds, the latency and the counts
	recent [ticksShown]passage
	now    int // of recent: the one that fills
}

// ticksShown are what a Tick tells of, a second: workers do not say it in step.
const ticksShown = int(time.Second / telling)

// passage is what happened from one Tick to the next.
type passage struct {
	from    time.Time
	sent    int64
	latency *hdrhistogram.Histogram
}

func newBoard(r *run) *board {
	b := &board{run: r, stop: make(chan struct{}), ended: make(chan struct{})}
	for i := range b.recent {
		b.recent[i] = passage{from: r.started, latency: figures.NewHistogram()}
	}
	go b.watch()
	return b
}

// add takes what a worker has said.
func (b *board) add(w *crewMate, g *went) error {
	latency := figures.NewHistogram()
	if err := merged(latency, g.Latency); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	// It is what happened since the worker has said it last, and told at some moment
	// after that: its middle is in the right second.
	s := b.run.second(int((w.told + g.At) / 2 / time.Second))
	w.told = g.At
	s.sent += g.Sent
	s.done += g.Done
	s.latency.Merge(latency)
	p := &b.recent[b.now]
	p.latency.Merge(latency)
	p.sent += g.Sent
	b.run.latency.Merge(latency)
	c := &b.run.counts
	c.sent += g.Sent
	c.done += g.Done
	for name, n := range g.Errors {
		s.errors[name] += n
		c.errors += n
	}
	w.lag = g.Lag
	return nil
}

// watch shows it until close.
func (b *board) watch() {
	defer close(b.ended)
	if b.run.Progress == nil {
		<-b.stop
		return
	}
	tick := time.NewTicker(telling)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			b.run.Progress.Tick(b.tick(now))
		case <-b.stop:
			b.run.Progress.Done()
			return
		}
	}
}

func (b *board) tick(now time.Time) Tick {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := &b.run.counts
	sent, latency, from := int64(0), figures.NewHistogram(), now
	for i := range b.recent {
		p := &b.recent[i]
		sent += p.sent
		latency.Merge(p.latency)
		if p.from.Before(from) {
			from = p.from
		}
	}
	t := Tick{
		Elapsed: max(now.Sub(b.run.started), 0), Share: min(float64(c.sent)/float64(b.run.survey.requests*int64(b.run.Scale)), 1),
		Sent: c.sent, Errors: c.errors, PerSecond: figures.PerSecond(sent, now.Sub(from)), P99: time.Duration(latency.ValueAtQuantile(99)),
	}
	for _, w := range b.run.crew {
		t.Lag = max(t.Lag, w.lag)
	}
	b.now = (b.now + 1) % len(b.recent)
	p := &b.recent[b.now]
	p.from, p.sent = now, 0
	if now.Before(b.run.started) {
		p.from = b.run.started
	}
	p.latency.Reset()
	return t
}

func (b *board) close() {
	close(b.stop)
	<-b.ended
}
