package history

import "fmt"

// orders checks that every completed order has its units in the slice that it
// names, and no slice sold anything to an order that is not completed there.
func (a *bookAudit) orders(p *player) {
	for i := range p.purchases {
		b := &p.purchases[i]
		if b.completed == 0 {
			continue
		}
		a.result.Checked++
		s := a.bySlice[sliceKey{b.loggedSKU, b.loggedSlice}]
		var h hold
		if s != nil {
			if known := s.holds[orderKey{p.number, b.request}]; known != nil {
				h = *known
			}
		}
		name := orderName(p.name, b.request)
		slice := fmt.Sprintf("%s/%d", a.skus.list[b.loggedSKU], b.loggedSlice)
		switch {
		case h.times > 1:
			a.result.violated("%s is sold %d times by slice %s", name, h.times, slice)
		case h.times == 1 && h.sold != b.loggedQuantity:
			a.result.violated("%s is completed with %d units, and slice %s sold it %d", name, b.loggedQuantity, slice, h.sold)
		case h.times == 0 && h.held != b.loggedQuantity:
			a.result.violated("%s is completed with %d units, of which slice %s sold it none and holds %d", name, b.loggedQuantity, slice, h.held)
		case h.times == 0 && b.acked > 0:
			a.result.violated("%s counts as acknowledged by slice %s, which has not recorded the sale", name, slice)
		}
	}
}

// evictions checks that a player forgot no order before its slice had
// acknowledged it, and recorded none that it had forgotten.
func (a *bookAudit) evictions(p *player) {
	next := 0
	for _, r := range p.raises {
		for ; next < len(p.purchases) && p.purchases[next].request <= r.watermark; next++ {
			b := &p.purchases[next]
			if b.completed > 0 && (b.acked == 0 || b.acked > r.seq) {
				a.result.violated("player %s event %d forgets %s, whose slice has not acknowledged it", p.name, r.seq, orderName(p.name, b.request))
			}
			if b.seq > r.seq {
				a.result.violated("player %s event %d records %s, which event %d had forgotten", p.name, b.seq, orderName(p.name, b.request), r.seq)
			}
		}
	}
}

// gifts checks that a player has what operators gave, once.
func (a *bookAudit) gifts(p *player) {
	var sure, most, got int64
	for _, g := range p.gifts {
		most += g.amount
		if g.ret != never {
			sure += g.amount
		}
	}
	for _, b := range p.purses {
		got += b.granted
	}
	a.result.Checked++
	if got < sure || got > most {
		a.result.violated("player %s was given %d to %d, and by the log %d", p.name, sure, most, got)
	}
}
