package history

import (
	"fmt"
	"time"
)

// evidence is all that is known of a run, in memory.
type evidence struct {
	skus    names
	players []*player
	byName  map[string]*player
	slices  []*slice
	bySlice map[sliceKey]*slice
	// offers are the Stock operations.
	offers []Op
	// prices are those of one unit, by SKU; -1: not known.
	prices []int64
	books  *Books

	requests, reads int64
}

// names numbers strings.
type names struct {
	list   []string
	number map[string]uint32
}

func (n *names) of(name string) uint32 {
	if i, ok := n.number[name]; ok {
		return i
	}
	if n.number == nil {
		n.number = make(map[string]uint32)
	}
	i := uint32(len(n.list))
	n.list = append(n.list, name)
	n.number[name] = i
	return i
}

// player is what is known of one client.
type player struct {
	name   string
	number uint32
	// purchases by request number, ascending: what was asked and what the log has.
	purchases []purchase
	reads     []reading
	gifts     []gift

	// From the log.
	opened bool
	money  []change // by the player's event number once sorted
	raises []raise
	purses map[string]*purse
}

// reading is a wallet as it was read.
type reading struct {
	invoke, ret time.Duration
	balance     int64
}

// gift is money from an operator.
type gift struct {
	invoke, ret time.Duration // never: not known whether
	amount      int64
}

// place is where in the log something stands.
type place struct {
	log   uint32
	entry uint64
}

// sliceKey names a slice of a product's stock.
type sliceKey struct {
	sku   uint32
	index uint32
}

func newEvidence() *evidence {
	return &evidence{byName: make(map[string]*player), bySlice: make(map[sliceKey]*slice)}
}

func (e *evidence) player(name string) *player {
	if p := e.byName[name]; p != nil {
		return p
	}
	p := &player{name: name, number: uint32(len(e.players)), purses: make(map[string]*purse)}
	e.players = append(e.players, p)
	e.byName[name] = p
	return p
}

func (e *evidence) slice(key sliceKey) *slice {
	if s := e.bySlice[key]; s != nil {
		return s
	}
	s := &slice{sliceKey: key, name: fmt.Sprintf("%s/%d", e.skus.list[key.sku], key.index)}
	e.slices = append(e.slices, s)
	e.bySlice[key] = s
	return s
}

func (e *evidence) sku(name string) uint32 {
	i := e.skus.of(name)
	for len(e.prices) <= int(i) {
		e.prices = append(e.prices, -1)
	}
	return i
}

// take adds an operation to what is known, and tells answers what was answered
// twice.
func (e *evidence) take(op *Op, answers *Result) {
	e.requests++
	switch op.Kind {
	case Buy:
		e.takeBuy(op, answers)
	case Read:
		e.reads++
		if op.Outcome == OK {
			p := e.player(op.Client)
			p.reads = append(p.reads, reading{invoke: op.Invoke, ret: op.Return, balance: op.Balance})
		}
	case Grant:
		g := gift{invoke: op.Invoke, ret: op.Return, amount: op.Amount}
		if op.Outcome == Unknown {
			g.ret = never
		}
		if op.Outcome != Refused {
			p := e.player(op.Client)
			p.gifts = append(p.gifts, g)
		}
	case Stock:
		if i := e.sku(op.SKU); op.Price > 0 {
			e.prices[i] = op.Price
		}
		if op.Outcome != Refused {
			e.offers = append(e.offers, *op)
		}
	}
}

func (e *evidence) takeBuy(op *Op, answers *Result) {
	p := e.player(op.Client)
	sku := e.sku(op.SKU)
	b := p.purchase(op.Request)
	if !b.asked {
		b.asked, b.invoke, b.sku, b.quantity = true, op.Invoke, sku, op.Quantity
	}
	b.invoke = min(b.invoke, op.Invoke)
	if op.Outcome == Unknown {
		return
	}
	got := purchase{outcome: refused, code: op.Code, odd: op.Order != ""}
	if op.Outcome == OK {
		got = purchase{outcome: bought, price: op.Price, balance: op.Balance, odd: op.Order != ""}
		if e.prices[sku] < 0 && op.Quantity > 0 {
			e.prices[sku] = op.Price / op.Quantity
		}
	}
	got.quantity, got.sku = op.Quantity, sku
	if b.outcome == open {
		b.outcome, b.code, b.odd = got.outcome, got.code, got.odd
		b.price, b.balance, b.quantity = got.price, got.balance, got.quantity
		b.settled = op.Return
		return
	}
	answers.Checked++
	b.settled = min(b.settled, op.Return)
	if b.outcome != got.outcome || b.code != got.code || b.price != got.price || b.balance != got.balance ||
		b.quantity != got.quantity || b.sku != got.sku || b.odd != got.odd {
		answers.violated("%s/%d was answered %s, and %s", p.name, b.request, b.answer(), got.answer())
	}
}
