package replay

import "github.com/cespare/xxhash/v2"

// ledger is what players know to have bought, over all of them: what a worker has
// to say about it does not grow with their number.
type ledger struct {
	Orders int64 `json:"orders"`
	// Digest is the wrapping sum of the xxhash64 of the orders' ids, as the account
	// player/orders/digest is.
	Digest uint64 `json:"digest"`
	// Units by SKU, and Spent by currency.
	Units map[string]int64 `json:"units"`
	Spent map[string]int64 `json:"spent"`
}

func newLedger() ledger {
	return ledger{Units: make(map[string]int64), Spent: make(map[string]int64)}
}

// add enters an order that was acknowledged for the first time.
func (l *ledger) add(o order) {
	l.Orders++
	l.Digest += xxhash.Sum64(o.id)
	l.Units[string(o.sku)] += o.quantity
	l.Spent[string(o.currency)] += o.price
}

func (l *ledger) merge(o ledger) {
	l.Orders += o.Orders
	l.Digest += o.Digest
	for sku, n := range o.Units {
		l.Units[sku] += n
	}
	for currency, n := range o.Spent {
		l.Spent[currency] += n
	}
}
