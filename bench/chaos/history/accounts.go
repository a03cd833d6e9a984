package history

import (
	"maps"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
)

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
