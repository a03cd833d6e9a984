package history

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// purchase is one request number of one player.
type purchase struct {
	request  uint64
	quantity int64
	// invoke is when it was first sent, settled when it was first answered for
	// good; never, if it was not.
	invoke, settled time.Duration
	// price of the order and balance afterwards, as answered.
	price, balance int64
	sku            uint32
	outcome        outcome
	asked          bool // a client did; else it is only in the log
	odd            bool // the order had another id than it should
	code           clientv1.Code

	// From the log.
	completed, declined uint16 // how often
	loggedCode          clientv1.Code
	loggedSKU           uint32
	loggedSlice         uint32
	loggedQuantity      int64
	loggedPrice         int64
	seq                 uint64 // the player's event that completed or declined it first
	acked               uint64 // the event that says so, 0 for none
	where               place
}

const never = time.Duration(forever)

// outcome is Outcome, small.
type outcome uint8

const (
	open outcome = iota // not known, and may still happen
	bought
	refused
)

// find returns the purchase of that number, or nil. It is valid until the next
// purchase is added.
func (p *player) find(request uint64) *purchase {
	if i, ok := p.index(request); ok {
		return &p.purchases[i]
	}
	return nil
}

func (p *player) index(request uint64) (int, bool) {
	// Most often it is the newest that is asked for.
	if n := len(p.purchases); n == 0 || p.purchases[n-1].request < request {
		return n, false
	} else if p.purchases[n-1].request == request {
		return n - 1, true
	}
	return slices.BinarySearchFunc(p.purchases, request, func(a purchase, n uint64) int { return cmp.Compare(a.request, n) })
}

// purchase is find that adds what there is not.
func (p *player) purchase(request uint64) *purchase {
	i, ok := p.index(request)
	if !ok {
		p.purchases = slices.Insert(p.purchases, i, purchase{request: request, settled: never})
	}
	return &p.purchases[i]
}

// answer is what the client was told, in words.
func (b *purchase) answer() string {
	switch b.outcome {
	case bought:
		return fmt.Sprintf("bought %d for %d, %d left", b.quantity, b.price, b.balance)
	case refused:
		return codeName(b.code)
	}
	return "nothing"
}

// span is when it was under way, in words.
func (b *purchase) span() string {
	if b.settled == never {
		return fmt.Sprintf("sent %s", clock(b.invoke))
	}
	return fmt.Sprintf("sent %s, answered %s", clock(b.invoke), clock(b.settled))
}

// clock is a time of the run, in words.
func clock(t time.Duration) string { return fmt.Sprintf("%.6f s", t.Seconds()) }
