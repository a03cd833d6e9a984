package bench

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// ledger is what one player knows to have bought: every acknowledged order.
type ledger struct {
	player string

	// requests are the numbers of the acknowledged orders; an order's id is
	// player, "/", number.
	requests []uint64
	// odd are acknowledged order ids that are not named after their request.
	// The protocol has no such thing; nil unless it happened.
	odd map[string]struct{}
	// twice counts orders that were the answer to two requests.
	twice int64

	// digest is the wrapping sum of the xxhash64 of the order ids, as the
	// server's account player/orders/digest is.
	digest uint64
	// units and spent are sums over the orders; units by index of SKU.
	units []int64
	spent int64

	scratch []byte
}

func newLedger(player string, skus int) *ledger {
	return &ledger{player: player, units: make([]int64, skus)}
}

// orders counts the acknowledged orders.
func (l *ledger) orders() int64 { return int64(len(l.requests) + len(l.odd)) }

// acknowledge enters the order that answered a request. order is not kept.
func (l *ledger) acknowledge(request uint64, order []byte, sku int, quantity, price int64) {
	l.scratch = append(append(l.scratch[:0], l.player...), '/')
	l.scratch = strconv.AppendUint(l.scratch, request, 10)
	if string(order) == string(l.scratch) {
		l.requests = append(l.requests, request)
	} else if !l.acknowledgeOdd(string(order)) {
		return
	}
	l.digest += xxhash.Sum64(order)
	l.units[sku] += quantity
	l.spent += price
}

// acknowledgeOdd is false when the order was acknowledged before.
func (l *ledger) acknowledgeOdd(order string) bool {
	if _, known := l.odd[order]; known || l.has(order) {
		l.twice++
		return false
	}
	if l.odd == nil {
		l.odd = make(map[string]struct{})
	}
	l.odd[order] = struct{}{}
	return true
}

func (l *ledger) has(order string) bool {
	return slices.ContainsFunc(l.requests, func(n uint64) bool { return order == fmt.Sprintf("%s/%d", l.player, n) })
}
