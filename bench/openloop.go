package bench

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/holdfast-game/holdfast/bench/chaos/history"
	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/client"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// buyer is client.Conn, as much of it as an open loop uses.
type buyer interface {
	Buy(context.Context, *clientv1.Buy) (*clientv1.Bought, error)
}

// openLoop sends purchases when they are due, whatever became of the earlier
// ones. Each player has a share of the rate and several clerks, each with one
// request in flight: that bounds what is outstanding.
type openLoop struct {
	products []product
	quantity int64
	rate     float64 // purchases a second, over all players
	start    time.Time
	length   time.Duration
	patience time.Duration // as in closedLoop
	players  []*openPlayer
	clerks   int // of one player
	recorder *recorder
	history  *history.Recorder // as in closedLoop
	repeat   float64

	// late counts purchases that were due while every clerk of the player had
	// one in flight.
	late atomic.Int64
	sent atomic.Int64

	mu sync.Mutex
	// oversleep is how long after a purchase was due a clerk that waited for it
	// got to run: the generator's own delay. Guarded by mu.
	oversleep *hdrhistogram.Histogram
}

type openPlayer struct {
	conn buyer
	slot atomic.Int64 // the next purchase to be sent

	mu     sync.Mutex
	ledger *ledger // guarded by mu: clerks share it
}

// due is when the n-th purchase of player i is to be sent, after start: the
// players take turns, so that the load is even.
func (o *openLoop) due(n int64, i int) time.Duration {
	k := float64(n)*float64(len(o.players)) + float64(i)
	return time.Duration(k / o.rate * float64(time.Second))
}

// scheduled is how many purchases fall due in the length of the run.
func (o *openLoop) scheduled() int64 {
	var n int64
	for i := range o.players {
		lo, hi := int64(0), int64(o.rate*o.length.Seconds())+1
		for lo < hi { // the first that is not due any more
			if mid := (lo + hi) / 2; o.due(mid, i) < o.length {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		n += lo
	}
	return n
}

// run returns when everything that was sent has been answered.
func (o *openLoop) run(ctx context.Context, seed uint64) {
	var all sync.WaitGroup
	for i, p := range o.players {
		for c := range o.clerks {
			worker := i*o.clerks + c
			random := rand.New(rand.NewPCG(seed, uint64(worker)))
			all.Go(func() { o.clerk(ctx, i, p, o.recorder.stripe(worker), random) })
		}
	}
	all.Wait()
}

// clerk takes the player's purchases one after the other.
func (o *openLoop) clerk(ctx context.Context, i int, p *openPlayer, s *stripe, random *rand.Rand) {
	for {
		due := o.due(p.slot.Add(1)-1, i)
		if due >= o.length || !o.awaitDue(ctx, due) {
			return
		}
		o.sent.Add(1)
		sku := random.IntN(len(o.products))
		b := &clientv1.Buy{Sku: o.products[sku].sku, Quantity: o.quantity}
		if o.buy(ctx, p, b, sku, s, o.start.Add(due)) != unknown && o.repeat > 0 && random.Float64() < o.repeat {
			_, _ = o.ask(ctx, p, b) // the answer is for the history
		}
	}
}

// awaitDue waits until a purchase is due. It is false when the run is over: a
// purchase that cannot be sent before the end is not sent.
func (o *openLoop) awaitDue(ctx context.Context, due time.Duration) bool {
	wait := due - time.Since(o.start)
	if wait < 0 {
		o.late.Add(1)
		return time.Since(o.start) < o.length && ctx.Err() == nil
	}
	if !pause(ctx, wait) {
		return false
	}
	over := time.Since(o.start) - due
	o.mu.Lock()
	figures.Record(o.oversleep, over)
	o.mu.Unlock()
	return true
}

// buy sends one purchase until its outcome is known.
func (o *openLoop) buy(ctx context.Context, p *openPlayer, b *clientv1.Buy, sku int, s *stripe, due time.Time) outcome {
	for began := time.Now(); ; {
		got, err := o.ask(ctx, p, b)
		if err == nil {
			s.success(time.Since(due))
			order := got.GetOrder()
			p.mu.Lock()
			p.ledger.acknowledge(b.Request, []byte(order.GetId()), sku, order.GetQuantity(), order.GetPrice())
			p.mu.Unlock()
			return bought
		}
		code := client.CodeOf(err)
		if code == clientv1.Code_CODE_UNSPECIFIED { // no answer, and no way to get one
			s.unresolved()
			return unknown
		}
		s.refused(code)
		if !client.Unsettled(code) {
			return refused
		}
		if time.Since(began) > o.patience || !pause(ctx, max(retryAfter(err), resendPause)) {
			s.unresolved()
			return unknown
		}
	}
}

// ask sends one purchase once, or as often as its connection drops.
func (o *openLoop) ask(ctx context.Context, p *openPlayer, b *clientv1.Buy) (*clientv1.Bought, error) {
	asked := o.history.Now()
	got, err := p.conn.Buy(ctx, b)
	if o.history != nil {
		noteBought(o.history, p.ledger.player, b, asked, got, err)
	}
	return got, err
}

// OpenLoop says how well the generator kept its schedule.
type OpenLoop struct {
	Rate float64 `json:"rate"`
	// Scheduled purchases fell due in the run; Sent of them were sent. The rest
	// was still waiting for a free slot of its player at the end.
	Scheduled int64 `json:"scheduled"`
	Sent      int64 `json:"sent"`
	// Late purchases were due while their player had as many outstanding as
	// allowed. Their wait is in the latency.
	Late int64 `json:"late"`
	// OversleptMs99 is the p99 of the generator's own delay, which is in the
	// latency too.
	OversleptMs99 float64 `json:"overslept_ms_p99"`
	// Limit names who could not keep the rate: "", "server" or "generator".
	Limit string `json:"limit"`
}

const (
	// oversleptTooLong is the generator's own delay from which on latencies say
	// more about it than about the server.
	oversleptTooLong = 5 * time.Millisecond
	// lateShare of the purchases may find their player busy.
	lateShare = 0.01
)

func (o *openLoop) report() *OpenLoop {
	o.mu.Lock()
	defer o.mu.Unlock()
	over := time.Duration(o.oversleep.ValueAtQuantile(99))
	r := &OpenLoop{
		Rate: o.rate, Scheduled: o.scheduled(), Sent: o.sent.Load(), Late: o.late.Load(),
		OversleptMs99: figures.Milliseconds(float64(over)),
	}
	switch {
	case over > oversleptTooLong:
		r.Limit = "generator"
	case r.Sent < r.Scheduled || float64(r.Late) > lateShare*float64(r.Scheduled):
		r.Limit = "server"
	}
	return r
}

func retryAfter(err error) time.Duration {
	var e *client.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
