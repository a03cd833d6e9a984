package history

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// bookAudit folds the log anew, by its own understanding of what a slice and a
// player are, and checks that everything adds up.
type bookAudit struct {
	*evidence
	result *Result
}

func (e *evidence) checkBooks(r *Result) {
	r.Unit = "events of slices, orders and accounts"
	a := &bookAudit{evidence: e, result: r}
	for _, s := range e.slices {
		a.slice(s)
	}
	for _, s := range e.slices {
		a.sales(s)
	}
	a.transfers()
	for _, p := range e.players {
		a.orders(p)
		a.evictions(p)
		a.gifts(p)
	}
	a.products()
	a.compare()
}

// slice follows one slice through its events.
func (a *bookAudit) slice(s *slice) {
	s.holds = make(map[orderKey]*hold)
	byPlayer := make(map[uint32][]uint64) // requests held
	sent, received := make(map[uint32]uint64), make(map[uint32]uint64)
	for i := range s.events {
		e := &s.events[i]
		a.result.Checked++
		key := orderKey{e.player, e.request}
		switch e.kind {
		case reserve:
			h := s.hold(key)
			if h.held > 0 {
				a.result.violated("slice %s event %d: %s is reserved again", s.name, e.seq, a.orderName(key))
			}
			h.held += e.amount
			s.free, s.held = s.free-e.amount, s.held+e.amount
			byPlayer[e.player] = append(byPlayer[e.player], e.request)
		case sell:
			h := s.hold(key)
			if h.held == 0 {
				a.result.violated("slice %s event %d: %s is sold, and nothing was held for it", s.name, e.seq, a.orderName(key))
				continue
			}
			h.times++
			h.sold += h.held
			s.held, s.sold = s.held-h.held, s.sold+h.held
			h.held = 0
			byPlayer[e.player] = without(byPlayer[e.player], e.request)
		case release:
			h := s.hold(key)
			if h.held == 0 {
				a.result.violated("slice %s event %d: %s is let go, and nothing was held for it", s.name, e.seq, a.orderName(key))
				continue
			}
			a.released(s, e)
			s.letGo(h)
			byPlayer[e.player] = without(byPlayer[e.player], e.request)
		case closing:
			byPlayer[e.player] = slices.DeleteFunc(byPlayer[e.player], func(n uint64) bool {
				if n > e.request {
					return false
				}
				s.letGo(s.hold(orderKey{e.player, n}))
				return true
			})
		case restock:
			s.free += e.amount
			if e.player == 1 {
				s.initial += e.amount
			} else {
				s.restocked += e.amount
			}
		case lend:
			a.numbered(s, e, sent, "lends to")
			s.free, s.lent = s.free-e.amount, s.lent+e.amount
		case receive:
			a.numbered(s, e, received, "receives from")
			s.free, s.received = s.free+e.amount, s.received+e.amount
		case deliver:
			if sent[e.player] != e.request {
				a.result.violated("slice %s event %d: transfer %d to slice %d has arrived, the last was %d", s.name, e.seq, e.request, e.player, sent[e.player])
			}
		}
		if s.free < 0 {
			a.result.violated("slice %s event %d leaves %d free: oversold", s.name, e.seq, s.free)
		}
	}
}

func (a *bookAudit) numbered(s *slice, e *sliceEvent, last map[uint32]uint64, what string) {
	if e.request != last[e.player]+1 {
		a.result.violated("slice %s event %d %s slice %d transfer %d after %d", s.name, e.seq, what, e.player, e.request, last[e.player])
	}
	last[e.player] = e.request
}

func (s *slice) hold(key orderKey) *hold {
	h := s.holds[key]
	if h == nil {
		h = new(hold)
		s.holds[key] = h
	}
	return h
}

func (s *slice) letGo(h *hold) {
	s.held, s.free = s.held-h.held, s.free+h.held
	h.held = 0
}

// sales checks that a slice sold only to orders that are completed there.
func (a *bookAudit) sales(s *slice) {
	var wrong []string
	for key, h := range s.holds {
		if h.times == 0 {
			continue
		}
		b := a.players[key.player].find(key.request)
		if b == nil || b.completed == 0 || b.loggedSKU != s.sku || b.loggedSlice != s.index {
			wrong = append(wrong, a.orderName(key))
		}
	}
	slices.Sort(wrong)
	for _, name := range wrong {
		a.result.violated("slice %s has sold %s, which is not completed there", s.name, name)
	}
}

func without(list []uint64, n uint64) []uint64 {
	if i := slices.Index(list, n); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}

// released checks that the reason why units were let go is one.
func (a *bookAudit) released(s *slice, e *sliceEvent) {
	p := a.players[e.player]
	b := p.find(e.request)
	here := b != nil && b.completed > 0 && b.loggedSKU == s.sku && b.loggedSlice == s.index
	switch clusterv1.HoldOutcome(e.outcome) {
	case clusterv1.HoldOutcome_HOLD_OUTCOME_COMPLETED_ELSEWHERE:
		if b == nil || b.completed == 0 || here {
			a.result.violated("slice %s event %d lets %s go as completed elsewhere, which it is not", s.name, e.seq, orderName(p.name, e.request))
		}
	case clusterv1.HoldOutcome_HOLD_OUTCOME_DECLINED:
		if b == nil || b.declined == 0 {
			a.result.violated("slice %s event %d lets %s go as declined, which it is not", s.name, e.seq, orderName(p.name, e.request))
		}
	}
}

// transfers checks that what one slice received is what another lent it.
func (a *bookAudit) transfers() {
	type transfer struct {
		sku, from, to uint32
		number        uint64
	}
	lent := make(map[transfer]int64)
	for _, s := range a.slices {
		for i := range s.events {
			if e := &s.events[i]; e.kind == lend {
				lent[transfer{s.sku, s.index, e.player, e.request}] = e.amount
			}
		}
	}
	for _, s := range a.slices {
		for i := range s.events {
			e := &s.events[i]
			if e.kind != receive {
				continue
			}
			a.result.Checked++
			if got := lent[transfer{s.sku, e.player, s.index, e.request}]; got != e.amount {
				a.result.violated("slice %s event %d: transfer %d from slice %d brings %d units, and %d were lent", s.name, e.seq, e.request, e.player, e.amount, got)
			}
		}
	}
}

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

// product is what the log has of one product, over all slices and players.
type product struct {
	accounts
	granted, unconfirmed int64
}

func (a *bookAudit) sums() []product {
	sums := make([]product, len(a.skus.list))
	for _, s := range a.slices {
		sum := &sums[s.sku]
		sum.initial += s.initial
		sum.restocked += s.restocked
		sum.received += s.received
		sum.lent += s.lent
		sum.free += s.free
		sum.held += s.held
		sum.sold += s.sold
	}
	for _, p := range a.players {
		for i := range p.purchases {
			b := &p.purchases[i]
			if b.completed == 0 {
				continue
			}
			sums[b.loggedSKU].granted += b.loggedQuantity
			if b.acked == 0 {
				sums[b.loggedSKU].unconfirmed += b.loggedQuantity
			}
		}
	}
	return sums
}

// products checks each product over all slices.
func (a *bookAudit) products() {
	sure, most := make([]int64, len(a.skus.list)), make([]int64, len(a.skus.list))
	for i := range a.offers {
		o := &a.offers[i]
		sku := a.sku(o.SKU)
		most[sku] += o.Quantity
		if o.Outcome == OK {
			sure[sku] += o.Quantity
		}
	}
	for i, sum := range a.sums() {
		name := a.skus.list[i]
		a.result.Checked++
		put := sum.initial + sum.restocked
		if put < sure[i] || put > most[i] {
			a.result.violated("%s: %d to %d units were put on sale, and by the log %d", name, sure[i], most[i], put)
		}
		if sum.sold > put || sum.granted > put {
			a.result.violated("%s: %d units sold and %d granted, of %d: oversold", name, sum.sold, sum.granted, put)
		}
		if sum.sold > sum.granted || sum.sold < sum.granted-sum.unconfirmed {
			a.result.violated("%s: %d units sold, although %d granted, %d of them unconfirmed", name, sum.sold, sum.granted, sum.unconfirmed)
		}
		if sum.free+sum.held+sum.sold != put+sum.received-sum.lent || sum.received > sum.lent {
			a.result.violated("%s: free %d, held %d and sold %d do not make %d put on sale, %d received and %d lent",
				name, sum.free, sum.held, sum.sold, put, sum.received, sum.lent)
		}
	}
}

// compare holds the accounts of the cluster against those of the log.
func (a *bookAudit) compare() {
	if a.books == nil {
		a.result.Note = "the cluster's own accounts were not kept"
		return
	}
	want := a.accounts()
	if !a.books.Settled {
		// Taken while confirmations and transfers went on: only what players
		// have stays as it is.
		a.result.Note = "the accounts were taken before all had settled: only the players' were compared"
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !a.books.Settled && !final(name) {
			continue
		}
		a.result.Checked++
		if got := a.books.Accounts[name]; got != want[name] {
			a.result.violated("account %s: %d by the cluster, %d by the log", name, got, want[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.books.Accounts)) {
		ours := strings.HasPrefix(name, "stock/") || strings.HasPrefix(name, "player/")
		if _, known := want[name]; ours && !known && a.books.Accounts[name] != 0 {
			a.result.violated("account %s: %d by the cluster, and nothing of it in the log", name, a.books.Accounts[name])
		}
	}
}

// accounts are those of the cluster, as the log has them.
func (a *bookAudit) accounts() map[string]int64 {
	all := make(map[string]int64)
	for i, sum := range a.sums() {
		sku := a.skus.list[i]
		for name, amount := range map[string]int64{
			"initial": sum.initial, "restocked": sum.restocked, "received": sum.received, "lent": sum.lent,
			"free": sum.free, "held": sum.held, "sold": sum.sold,
		} {
			all["stock/"+sku+"/"+name] = amount
		}
		all["player/"+sku+"/granted"] = sum.granted
		all["player/"+sku+"/unconfirmed"] = sum.unconfirmed
	}
	var completed int64
	var digest uint64
	for _, p := range a.players {
		for currency, b := range p.purses {
			all["player/spent/"+currency] += b.priced
			all["player/priced/"+currency] += b.priced
		}
		for i := range p.purchases {
			if b := &p.purchases[i]; b.completed > 0 {
				completed++
				digest += xxhash.Sum64String(orderName(p.name, b.request))
			}
		}
	}
	all["player/orders/completed"], all["player/orders/digest"] = completed, int64(digest)
	return all
}

// final says whether an account stays as it is once no purchase is under way.
func final(account string) bool {
	var what string
	for i := len(account) - 1; i >= 0 && account[i] != '/'; i-- {
		what = account[i:]
	}
	switch what {
	case "initial", "restocked", "granted", "completed", "digest":
		return true
	}
	return false
}

func (a *bookAudit) orderName(key orderKey) string {
	return orderName(a.players[key.player].name, key.request)
}
