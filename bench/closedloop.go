package bench

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-game/holdfast/bench/chaos/history"
	"github.com/holdfast-game/holdfast/client"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

const (
	// redialPause is the pause between two attempts to connect again. The number
	// of players is what load there is, so it need not grow.
	redialPause = 100 * time.Millisecond
	// resendPause is the pause before a request is sent again whose refusal does
	// not say how long.
	resendPause = 20 * time.Millisecond
)

// lane is client.Lane, as much of it as a shopper uses.
type lane interface {
	Buy(request uint64, sku string, quantity, maxPrice int64) (*client.Reply, error)
	Redial(context.Context) error
	Close() error
}

// closedLoop is what the shoppers of one run share.
type closedLoop struct {
	products []product
	quantity int64
	// deadline ends the run; zero for none. A purchase begun before it is
	// finished.
	deadline time.Time
	// attempts is how many purchases may still be begun; nil for no bound.
	attempts *atomic.Int64
	// untilSoldOut: a shopper leaves when everything was sold out.
	untilSoldOut bool
	// patience bounds finding out what became of one purchase.
	patience time.Duration
	// history records what is asked and answered; nil for none. repeat is the
	// share of purchases that are asked for once more for its sake.
	history *history.Recorder
	repeat  float64
}

// shopper is one player in closed loop: one request in flight.
type shopper struct {
	*closedLoop
	lane   lane
	next   uint64 // number of the next request
	ledger *ledger
	stripe *stripe
	// wanted are the indexes of the products still worth asking for.
	wanted []int
	random *rand.Rand
}

// runClosed lets every shopper buy until the run is over.
func runClosed(ctx context.Context, shoppers []*shopper) {
	stop := context.AfterFunc(ctx, func() {
		for _, s := range shoppers {
			_ = s.lane.Close() // ends a Buy that waits
		}
	})
	defer stop()
	var all sync.WaitGroup
	for _, s := range shoppers {
		all.Go(func() { s.run(ctx) })
	}
	all.Wait()
}

func (s *shopper) run(ctx context.Context) {
	begin := time.Now()
	for s.mayBegin(begin) && ctx.Err() == nil {
		i := s.random.IntN(len(s.wanted))
		sku := s.wanted[i]
		outcome := s.buy(ctx, sku)
		end := time.Now()
		switch {
		case outcome == bought:
			s.stripe.success(end.Sub(begin))
		case outcome == soldOut && s.untilSoldOut:
			s.wanted[i] = s.wanted[len(s.wanted)-1]
			s.wanted = s.wanted[:len(s.wanted)-1]
		case outcome == unknown:
			s.stripe.unresolved()
		}
		if s.repeat > 0 && outcome != unknown && s.random.Float64() < s.repeat {
			s.again(ctx, sku)
			end = time.Now()
		}
		begin = end
	}
}

func (s *shopper) mayBegin(now time.Time) bool {
	if len(s.wanted) == 0 || !s.deadline.IsZero() && !now.Before(s.deadline) {
		return false
	}
	return s.attempts == nil || s.attempts.Add(-1) >= 0
}

// outcome is what became of one purchase.
type outcome int

const (
	bought outcome = iota
	soldOut
	refused // for another reason
	unknown
)

// buy makes one purchase and does not give up before its outcome is known,
// the run is aborted, or patience is at its end.
func (s *shopper) buy(ctx context.Context, sku int) outcome {
	request := s.next
	s.next++
	var began time.Time // read only when there is trouble
	for {
		r, err := s.ask(request, sku)
		switch {
		case err == nil && r.Bought:
			s.ledger.acknowledge(request, r.OrderID, sku, r.Quantity, r.Price)
			return bought
		case err == nil && r.Refused && !client.Unsettled(r.Code):
			s.stripe.refused(r.Code)
			if r.Code == clientv1.Code_CODE_SOLD_OUT {
				return soldOut
			}
			return refused
		}
		now := time.Now()
		if began.IsZero() {
			began = now
		}
		if now.Sub(began) > s.patience || !s.recover(ctx, r, err) {
			return unknown
		}
	}
}

// ask sends one purchase once.
func (s *shopper) ask(request uint64, sku int) (*client.Reply, error) {
	asked := s.history.Now()
	r, err := s.lane.Buy(request, s.products[sku].sku, s.quantity, 0)
	if s.history != nil {
		noteReply(s.history, s.ledger.player, s.products[sku].sku, request, s.quantity, asked, r, err)
	}
	return r, err
}

// again sends the last purchase, which was answered, once more: the history
// tells whether the answer is the same.
func (s *shopper) again(ctx context.Context, sku int) {
	if r, err := s.ask(s.next-1, sku); err != nil {
		s.recover(ctx, r, err) // for the purchases to come
	}
}

// recover makes ready to send a request again after it was answered by nothing
// final. It is false when there is no way on.
func (s *shopper) recover(ctx context.Context, r *client.Reply, err error) bool {
	if err == nil && r.Refused {
		s.stripe.refused(r.Code)
		return pause(ctx, max(time.Duration(r.RetryAfterMs)*time.Millisecond, resendPause))
	}
	s.stripe.disconnected()
	for began := time.Now(); time.Since(began) < s.patience; {
		if s.lane.Redial(ctx) == nil {
			return true
		}
		if !pause(ctx, redialPause) {
			break
		}
	}
	return false
}

// pause sleeps, and is false when ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
