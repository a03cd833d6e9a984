package replay

import (
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/bench/report"
)

// tally is what an engine counts. All of it is the engine's, but for the windows
// that it has given away.
type tally struct {
	name     func(onTape string, copied int32) string
	answered bool // the tape says what was

	now    window
	delay  *hdrhistogram.Histogram
	ledger ledger
	// byKind has what became of requests, by kind and pair.
	byKind [256]map[pair]*differing

	events         int64 // from the server
	reconnects     int64
	lost, unopened mishaps // of connections
	held           int64   // requests that waited for an answer
	stretch        stretch
	strain         strain
}

// mishaps are counted, and the first of them is remembered.
type mishaps struct {
	Count int64
	First string
}

func (m *mishaps) add(err error) { m.merge(mishaps{1, err.Error()}) }

func (m *mishaps) merge(more mishaps) {
	m.Count += more.Count
	if m.First == "" {
		m.First = more.First
	}
}

// window is what happened in a short while.
type window struct {
	sent, done int64
	errors     map[string]int64
	latency    *hdrhistogram.Histogram
	lag        time.Duration // of the last request, behind its time
}

func newWindow() window {
	return window{errors: make(map[string]int64), latency: figures.NewHistogram()}
}

func newTally() *tally {
	return &tally{now: newWindow(), delay: figures.NewHistogram(), ledger: newLedger()}
}

// sent counts a request that was due so long ago.
func (t *tally) sent(late time.Duration) {
	t.now.sent++
	t.now.lag = late
}

// delayed takes down how long after it could be a request was sent. held: it had
// to wait for an answer before. behind: because an earlier one was late.
func (t *tally) delayed(by time.Duration, held, behind bool) {
	figures.Record(t.delay, by)
	t.stretch.delayed(by, held && !behind)
	t.strain.Sent++
	if held && behind {
		t.strain.Behind++
	}
	if held {
		t.held++
	}
}

func (t *tally) latency(d time.Duration) { figures.Record(t.now.latency, d) }

// settle takes down what became of a request.
func (t *tally) settle(p *player, number int32, got answer) {
	s := &p.part.steps[number]
	if got.outcome.good() {
		t.now.done++
	} else {
		t.now.errors[got.outcome.errorName()]++
	}
	t.count(p, s, got)
}

// connected takes down what became of a connection.
func (t *tally) connected(p *player, d dialed, opened bool) {
	got := answer{outcome: done}
	if !opened {
		got.outcome = unsent
		if r, ok := asRefused(d.err); ok {
			got.outcome = refusal(r)
		}
		t.now.errors[connectError]++
	}
	for i := range p.part.steps {
		if s := &p.part.steps[i]; s.kind == connecting && s.conn == d.link.conn {
			t.count(p, s, got)
			return
		}
	}
}

// connectError is the name of a connection that could not be opened, as an error.
const connectError = "CONNECT"

// pair is an outcome then and now.
type pair struct {
	then, now outcome
	// priced: both are sales, for different prices.
	priced bool
}

// differing counts the requests of one pair.
type differing struct {
	count    int64
	examples []report.Difference
}

// examplesOfPair are kept by a worker, of each pair of outcomes.
const examplesOfPair = 3

func (t *tally) count(p *player, s *step, got answer) {
	k := pair{then: s.then.outcome, now: got.outcome}
	k.priced = k.then == done && k.now == done && s.then.price != got.price
	pairs := t.byKind[s.kind]
	if pairs == nil {
		pairs = make(map[pair]*differing)
		t.byKind[s.kind] = pairs
	}
	d := pairs[k]
	if d == nil {
		d = new(differing)
		pairs[k] = d
	}
	d.count++
	if t.answered && (k.then != k.now || k.priced) && len(d.examples) < examplesOfPair {
		then, now := s.then.outcome.name(s.kind), got.outcome.name(s.kind)
		if k.priced {
			then, now = fmt.Sprintf("%s for %d", then, s.then.price), fmt.Sprintf("%s for %d", now, got.price)
		}
		d.examples = append(d.examples, report.Difference{
			At: s.at.Seconds(), Player: t.name(p.part.name, p.copy), Request: describe(s), Then: then, Now: now,
		})
	}
}

// describe says in short what was asked.
func describe(s *step) string {
	switch s.kind {
	case fieldBuy:
		b := readBuy(s.body)
		return fmt.Sprintf("buy %d × %s, request %d", b.quantity, b.sku, b.request)
	default:
		return s.kind.String()
	}
}

// outcomes are what became of requests as a report has it.
func (t *tally) outcomes() []report.Outcomes {
	var all []report.Outcomes
	for n, pairs := range t.byKind {
		if len(pairs) == 0 {
			continue
		}
		k := kind(n)
		o := report.Outcomes{Kind: k.String(), Now: make(map[string]int64)}
		if t.answered {
			o.Then = make(map[string]int64)
		}
		for pair, d := range pairs {
			o.Now[pair.now.name(k)] += d.count
			if !t.answered {
				continue
			}
			o.Then[pair.then.name(k)] += d.count
			if pair.then != pair.now || pair.priced {
				o.Differ += d.count
				o.Examples = append(o.Examples, d.examples...)
			}
		}
		all = append(all, o)
	}
	return all
}
