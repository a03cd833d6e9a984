package player

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// evictShare is the share of a table, one in so many, that gives way at once at
// most: the table is not moved down with every purchase, and still remembers
// nearly as many orders as it can.
const evictShare = 8

// table holds orders by number, ascending, above the watermark.
type table struct {
	orders    []order
	watermark uint64
	unacked   int // granted, and not acknowledged by their slice
}

func (t *table) index(request uint64) (int, bool) {
	// The newest is asked for most.
	if n := len(t.orders); n == 0 || t.orders[n-1].request < request {
		return n, false
	} else if t.orders[n-1].request == request {
		return n - 1, true
	}
	return slices.BinarySearchFunc(t.orders, request, func(o order, r uint64) int { return cmp.Compare(o.request, r) })
}

// find returns the order of that number, or nil.
func (t *table) find(request uint64) *order {
	if i, ok := t.index(request); ok {
		return &t.orders[i]
	}
	return nil
}

// insert adds an order.
func (t *table) insert(o order) error {
	if o.request <= t.watermark {
		return fmt.Errorf("order %d: at or below the watermark %d", o.request, t.watermark)
	}
	i, ok := t.index(o.request)
	if ok {
		return fmt.Errorf("order %d: known already", o.request)
	}
	t.orders = slices.Insert(t.orders, i, o)
	return nil
}

// raise forgets the orders up to a number, all of which must be settled.
func (t *table) raise(watermark uint64) error {
	if watermark <= t.watermark {
		return nil
	}
	past := 0
	for past < len(t.orders) && t.orders[past].request <= watermark {
		if o := &t.orders[past]; !o.final() {
			return fmt.Errorf("raise the watermark to %d: order %d is %s", watermark, o.request, o.state)
		}
		past++
	}
	kept := copy(t.orders, t.orders[past:])
	clear(t.orders[kept:])
	t.orders = t.orders[:kept]
	t.watermark = watermark
	return nil
}

// room says to where the watermark must rise for order n to be added, 0 if it
// need not, and false if it cannot: no order at or above floor may give way.
func (t *table) room(n uint64, settled bool, size int, floor uint64) (watermark uint64, ok bool) {
	if len(t.orders) < size {
		return 0, true
	}
	if !settled {
		floor = min(floor, n)
	}
	for i := range t.orders[:max(1, size/evictShare)] {
		o := &t.orders[i]
		if o.request >= floor || !o.settled() {
			break
		}
		watermark = o.request
	}
	if watermark == 0 && settled && n < t.orders[0].request && n < floor {
		watermark = n // the lowest of all, and of no further use
	}
	return watermark, watermark != 0
}

// admits says whether order n can be added and room be left for as many more
// as are under way, whose lowest number is floor.
func (t *table) admits(n uint64, settled bool, underWay, size int, floor uint64) bool {
	if len(t.orders)+underWay < size {
		return true
	}
	if !settled {
		floor = min(floor, n)
	}
	spare := 0
	for spare < len(t.orders) && t.orders[spare].request < floor && t.orders[spare].settled() {
		spare++
	}
	if at, _ := t.index(n); settled && n < floor && at <= spare {
		spare++ // it could give way itself
	}
	return len(t.orders)+underWay < size+spare
}

// highest returns the highest number known.
func (t *table) highest() uint64 {
	if n := len(t.orders); n > 0 {
		return t.orders[n-1].request
	}
	return t.watermark
}

// noFloor is the floor when nothing is under way.
const noFloor = math.MaxUint64
