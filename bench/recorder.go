package bench

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/client"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// stripes is the number of histograms that players share: enough that two
// goroutines rarely want the same one, few enough that they stay in the cache.
const stripes = 16

// recorder takes the outcomes of requests from any number of goroutines.
type recorder struct {
	stripes [stripes]stripe

	mu    sync.Mutex // above every stripe.mu
	total tally      // all that was drained, guarded by mu
}

// stripe is one part of a recorder, drained into its total.
type stripe struct {
	mu    sync.Mutex
	tally tally
	_     [64]byte // keeps the next stripe's lock off this one's cache line
}

// tally counts outcomes.
type tally struct {
	latency *hdrhistogram.Histogram // of successes
	soldOut int64
	// errors counts refusals by code, repetitions of one request included.
	errors [codes]int64
	// disconnects counts connections that dropped.
	disconnects int64
	// unresolved counts requests whose outcome could not be found out.
	unresolved int64
}

// codes is above every clientv1.Code that the recorder tells apart; a code of
// a newer server is counted as CODE_UNSPECIFIED.
const codes = 32

func newRecorder() *recorder {
	r := &recorder{total: tally{latency: figures.NewHistogram()}}
	for i := range r.stripes {
		r.stripes[i].tally.latency = figures.NewHistogram()
	}
	return r
}

// stripe is where worker number i records.
func (r *recorder) stripe(i int) *stripe { return &r.stripes[i%stripes] }

func (s *stripe) success(d time.Duration) {
	s.mu.Lock()
	figures.Record(s.tally.latency, d)
	s.mu.Unlock()
}

func (s *stripe) refused(c clientv1.Code) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case c == clientv1.Code_CODE_SOLD_OUT:
		s.tally.soldOut++
	case c < 0 || c >= codes:
		s.tally.errors[clientv1.Code_CODE_UNSPECIFIED]++
	default:
		s.tally.errors[c]++
	}
}

func (s *stripe) disconnected() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tally.disconnects++
}

func (s *stripe) unresolved() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tally.unresolved++
}

// drain returns what was recorded since the last drain, and everything so far.
// The latter is valid until the next drain: one goroutine drains at a time.
func (r *recorder) drain() (window tally, total *tally) {
	r.mu.Lock()
	defer r.mu.Unlock()
	window = tally{latency: figures.NewHistogram()}
	for i := range r.stripes {
		s := &r.stripes[i]
		s.mu.Lock()
		window.add(&s.tally)
		s.tally.reset()
		s.mu.Unlock()
	}
	r.total.add(&window)
	return window, &r.total
}

func (t *tally) add(o *tally) {
	t.latency.Merge(o.latency)
	t.soldOut += o.soldOut
	for c := range o.errors {
		t.errors[c] += o.errors[c]
	}
	t.disconnects += o.disconnects
	t.unresolved += o.unresolved
}

func (t *tally) reset() {
	h := t.latency
	h.Reset()
	*t = tally{latency: h}
}

func (t *tally) successes() int64 { return t.latency.TotalCount() }

// failures counts what went wrong; a sold-out answer did not.
func (t *tally) failures() int64 {
	n := t.disconnects + t.unresolved
	for _, e := range t.errors {
		n += e
	}
	return n
}

// errorsByName has the codes that occurred, as the documentation writes them.
func (t *tally) errorsByName() map[string]int64 {
	byName := make(map[string]int64)
	for c, n := range t.errors {
		if n > 0 {
			byName[client.CodeName(clientv1.Code(c))] = n
		}
	}
	if t.disconnects > 0 {
		byName["DISCONNECTED"] = t.disconnects
	}
	return byName
}
