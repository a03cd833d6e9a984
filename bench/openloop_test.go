package bench

import (
	"context"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/client"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// fakeBuyer answers a purchase after as long as serve says.
type fakeBuyer struct {
	serve func(n int) (time.Duration, error)

	mu   sync.Mutex
	n    int
	sent []time.Time
}

func (f *fakeBuyer) Buy(ctx context.Context, b *clientv1.Buy) (*clientv1.Bought, error) {
	f.mu.Lock()
	n := f.n
	f.n++
	f.sent = append(f.sent, time.Now())
	f.mu.Unlock()
	if b.Request == 0 {
		b.Request = uint64(n + 1)
	}
	d, err := f.serve(n)
	if !pause(ctx, d) {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return &clientv1.Bought{Order: &clientv1.Order{Id: "order", Quantity: 1}}, nil
}

func newOpenLoop(rate float64, length time.Duration, clerks int, buyers ...buyer) *openLoop {
	o := &openLoop{
		products: []product{{sku: "sword"}}, quantity: 1, rate: rate, length: length, patience: time.Minute,
		clerks: clerks, recorder: newRecorder(), oversleep: figures.NewHistogram(), start: time.Now().Add(openLead),
	}
	for range buyers {
		o.players = append(o.players, nil)
	}
	for i, b := range buyers {
		o.players[i] = &openPlayer{conn: b, ledger: newLedger("ann", 1)}
	}
	return o
}

func always(d time.Duration) func(int) (time.Duration, error) {
	return func(int) (time.Duration, error) { return d, nil }
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance {
		t.Errorf("%s: got %v, want %v within %v", what, got, want, tolerance)
	}
}

func TestOpenLoopKeepsTheRateAndSpreadsThePlayers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ann, bob := &fakeBuyer{serve: always(3 * time.Millisecond)}, &fakeBuyer{serve: always(3 * time.Millisecond)}
		o := newOpenLoop(100, time.Second, 2, ann, bob)
		o.run(t.Context(), 1)
		if len(ann.sent) != 50 || len(bob.sent) != 50 {
			t.Fatalf("got %d and %d purchases, want 50 each", len(ann.sent), len(bob.sent))
		}
		for i := range ann.sent { // turn by turn, 10 ms apart
			near(t, "ann's send", ann.sent[i].Sub(o.start).Seconds(), float64(2*i)*0.01, 1e-6)
			near(t, "bob's send", bob.sent[i].Sub(o.start).Seconds(), float64(2*i+1)*0.01, 1e-6)
		}
		_, total := o.recorder.drain()
		l := figures.NewLatency(total.latency)
		near(t, "mean", l.Mean, 3, 0.01)
		near(t, "max", l.Max, 3, 0.01)
		r := o.report()
		if r.Limit != "" || r.Late != 0 || r.Sent != 100 || r.Scheduled != 100 {
			t.Errorf("got %+v, want all 100 sent in time", r)
		}
	})
}

// A stall of one purchase shows in every purchase that was due meanwhile.
// Measured from the moment of sending, each but the stalled one would take a
// millisecond.
func TestOpenLoopCountsFromTheIntendedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBuyer{serve: func(n int) (time.Duration, error) {
			if n == 10 {
				return 500 * time.Millisecond, nil
			}
			return time.Millisecond, nil
		}}
		o := newOpenLoop(100, time.Second, 1, b)
		o.run(t.Context(), 1)
		_, total := o.recorder.drain()
		// Due each 10 ms, served each 1 ms after the stall: the n-th after it
		// waits 500 - 9 n ms, and 55 of them wait at all.
		slow := int64(0)
		for _, bar := range total.latency.Distribution() {
			if bar.From > int64(5*time.Millisecond) {
				slow += bar.Count
			}
		}
		near(t, "delayed purchases", float64(slow), 55, 1)
		near(t, "mean", figures.NewLatency(total.latency).Mean, (500+54*55/2*9)/100.0, 8)
		if r := o.report(); r.Limit != "server" || r.Late < 50 {
			t.Errorf("got %+v, want the server named as the limit", r)
		}
	})
}

func TestOpenLoopBoundsWhatIsOutstanding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBuyer{serve: always(time.Second)}
		o := newOpenLoop(1000, time.Second, 4, b)
		o.run(t.Context(), 1)
		r := o.report()
		if len(b.sent) != 4 || r.Sent != 4 || r.Scheduled != 1000 || r.Limit != "server" {
			t.Errorf("got %d sent and %+v, want 4 of 1000, because of the server", len(b.sent), r)
		}
	})
}

func TestOpenLoopResolvesAndRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBuyer{serve: func(n int) (time.Duration, error) {
			switch n {
			case 0, 1: // the same request, sent again
				return 0, &client.Error{Code: clientv1.Code_CODE_OVERLOADED, RetryAfter: 40 * time.Millisecond}
			case 3:
				return 0, &client.Error{Code: clientv1.Code_CODE_SOLD_OUT}
			case 4:
				return 0, client.ErrDisconnected
			}
			return 0, nil
		}}
		o := newOpenLoop(10, 400*time.Millisecond, 1, b)
		o.run(t.Context(), 1)
		_, total := o.recorder.drain()
		if total.successes() != 2 || total.soldOut != 1 || total.errors[clientv1.Code_CODE_OVERLOADED] != 2 || total.unresolved != 1 {
			t.Errorf("got %d bought, %d sold out, %v, %d unresolved; want 2, 1, OVERLOADED twice, 1",
				total.successes(), total.soldOut, total.errorsByName(), total.unresolved)
		}
		near(t, "the first, resolved after two pauses", figures.NewLatency(total.latency).Max, 80, 0.1)
	})
}

func TestOpenLoopNamesTheGenerator(t *testing.T) {
	o := newOpenLoop(100, time.Second, 1, &fakeBuyer{})
	o.sent.Store(100)
	for range 100 {
		figures.Record(o.oversleep, 20*time.Millisecond)
	}
	if got := o.report().Limit; got != "generator" {
		t.Errorf("got %q, want the generator named as the limit", got)
	}
}
