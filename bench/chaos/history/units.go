package history

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// unitsWindow is how many operations of one product make a window: more would
// only need more memory.
const unitsWindow = 2048

// unitsOp puts units on sale, or takes some if it is negative.
type unitsOp struct {
	quantity int64
	who      string
}

// unitsModel is a product's stock as far as it is promised: a number of units
// that purchases lower, and never below zero. SOLD_OUT is legal at any time: a
// product's stock is cut into slices, and each of them is asked at another
// moment (see the package comment), so that no register explains it.
func unitsModel(start int64) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return start },
		Step: func(state, input, _ any) (bool, any) {
			left := state.(int64) + input.(unitsOp).quantity
			return left >= 0, left
		},
	}
}

// checkUnits puts each product's stock to porcupine.
//
// Operations that raise a number, or lower it, and are told nothing of it but
// that they were done, can be put in any order; what limits them is that it does
// not fall below zero. If any order explains a history, so does the one in which
// each purchase takes effect at the very moment of its answer, and each
// restock at the moment it was sent. So the intervals are shrunk to those
// moments, which loses nothing, and makes the history easy to search and to cut
// anywhere. For the same reason a purchase of unknown outcome needs no place: that
// it was never made is the easiest to explain.
func (e *evidence) checkUnits(ctx context.Context, r *Result) {
	r.Unit = "operations"
	byProduct := make([][]porcupine.Operation, len(e.skus.list))
	add := func(sku uint32, at int64, op unitsOp, client uint32) {
		byProduct[sku] = append(byProduct[sku], porcupine.Operation{ClientId: int(client), Input: op, Call: at, Return: at})
	}
	for i := range e.offers {
		o := &e.offers[i]
		add(e.sku(o.SKU), int64(o.Invoke), unitsOp{quantity: o.Quantity}, 0)
	}
	for _, p := range e.players {
		for i := range p.purchases {
			if b := &p.purchases[i]; b.asked && b.outcome == bought {
				add(b.sku, int64(b.settled), unitsOp{quantity: -b.quantity, who: orderName(p.name, b.request)}, p.number)
			}
		}
	}
	linearizable(ctx, r, func(put func(task)) {
		for sku, ops := range byProduct {
			slices.SortStableFunc(ops, func(a, b porcupine.Operation) int {
				return cmp.Or(cmp.Compare(a.Call, b.Call), -cmp.Compare(a.Input.(unitsOp).quantity, b.Input.(unitsOp).quantity))
			})
			left := int64(0)
			for part := range slices.Chunk(ops, unitsWindow) {
				model := unitsModel(left)
				put(task{
					name: "product " + e.skus.list[sku], ops: part,
					explained: func(ops []porcupine.Operation, within time.Duration) porcupine.CheckResult {
						return porcupine.CheckOperationsTimeout(model, ops, within)
					},
					leaveOpen: func(op porcupine.Operation) (porcupine.Operation, bool) { return op, false },
				})
				for _, op := range part {
					left += op.Input.(unitsOp).quantity
				}
				if left < 0 { // said already; the next windows are judged by themselves
					left = 0
				}
			}
		}
	}, describeUnits)
}

func describeUnits(op porcupine.Operation) string {
	in := op.Input.(unitsOp)
	if in.quantity > 0 {
		return fmt.Sprintf("from %s: %d units put on sale", clockOf(op.Call), in.quantity)
	}
	return fmt.Sprintf("until %s: %s has bought %d", clockOf(op.Return), in.who, -in.quantity)
}
