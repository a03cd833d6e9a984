package history

import (
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

func code(c int32) clientv1.Code { return clientv1.Code(c) }

// checkAcknowledged holds what each purchase was answered against what the log
// has of it.
func (e *evidence) checkAcknowledged(r *Result, at func(place) string) {
	r.Unit = "purchases"
	for _, p := range e.players {
		for i := range p.purchases {
			b := &p.purchases[i]
			if b.asked || b.completed+b.declined > 0 {
				r.Checked++
				e.checkPurchase(r, at, p, b)
			}
		}
		p.checkBalances(r)
	}
}

func (e *evidence) checkPurchase(r *Result, at func(place) string, p *player, b *purchase) {
	name := order{p, b.request}
	switch {
	case !b.asked:
		r.violated("%s stands in %s, and nobody asked for it", orderName(p.name, b.request), at(b.where))
		return
	case b.completed+b.declined > 1:
		r.violated("%s is recorded more than once: completed %d times, declined %d times, first in %s", name, b.completed, b.declined, at(b.where))
	case b.outcome == bought && b.declined > 0:
		r.violated("%s was answered as bought, and is declined in %s", name, at(b.where))
	case b.outcome == bought && b.completed == 0:
		r.violated("%s was answered as bought, and is in no log", name)
	case b.outcome == refused && b.completed > 0:
		r.violated("%s was answered %s, and is completed in %s", name, codeName(b.code), at(b.where))
	case b.outcome == refused && declined(b.code) && b.declined == 0:
		r.violated("%s was answered %s, and that is in no log: a late copy could buy", name, codeName(b.code))
	case b.outcome == refused && declined(b.code) && b.loggedCode != b.code:
		r.violated("%s was answered %s, and is declined as %s in %s", name, codeName(b.code), codeName(b.loggedCode), at(b.where))
	}
	if b.completed > 0 && (b.loggedSKU != b.sku || b.loggedQuantity != b.quantity) {
		r.violated("%s is for %d of %s, and %s has %d of %s", name, b.quantity, e.skus.list[b.sku], at(b.where), b.loggedQuantity, e.skus.list[b.loggedSKU])
	}
	if b.outcome == bought && b.completed > 0 && b.price != b.loggedPrice {
		r.violated("%s was answered with a price of %d, and %s has %d", name, b.price, at(b.where), b.loggedPrice)
	}
	if b.odd {
		r.violated("%s was answered with another order's id", name)
	}
}

// checkBalances follows each purse through the player's events: it never holds
// less than nothing, and what was answered is what it held.
func (p *player) checkBalances(r *Result) {
	held := make(map[string]int64, 1)
	for _, c := range p.money {
		held[c.currency] += c.amount
		if held[c.currency] < 0 {
			r.violated("player %s: event %d leaves %d %s", p.name, c.seq, held[c.currency], c.currency)
		}
		if c.request == 0 {
			continue
		}
		b := p.find(c.request)
		if b.outcome == bought && b.seq == c.seq && b.balance != held[c.currency] {
			r.violated("%s was answered with %d left, and by the log %d %s were", order{p, b.request}, b.balance, held[c.currency], c.currency)
		}
	}
}
