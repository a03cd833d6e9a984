package bench

import (
	"fmt"
	"strings"
)

// Accounts are the amounts of one actor, or their sums over many.
type Accounts map[string]int64

// Books are the cluster's accounts after a sale.
type Books struct {
	// Total is the sum over all actors.
	Total Accounts
	// Players are the accounts of the sale's players, by id.
	Players map[string]Accounts
	// Slices are the accounts of the sale's stock slices, by id: SKU, "/",
	// index.
	Slices map[string]Accounts
}

// product is one thing on sale.
type product struct {
	sku   string
	stock int64 // units before the sale
}

// Verdict is what the comparison of acknowledgements and books says.
type Verdict struct {
	// Oversold counts units sold, or granted to players, beyond the stock.
	Oversold int64 `json:"oversold"`
	// Lost counts acknowledged orders, or units, that the books do not have.
	Lost int64 `json:"lost"`
	// Duplicated counts orders, or units, in the books that were not
	// acknowledged, and orders acknowledged twice.
	Duplicated int64 `json:"duplicated"`
	// Conserved: stock and money add up in the cluster's own books.
	Conserved bool `json:"conserved"`
	// Settled: nothing is held, unconfirmed or on its way between slices.
	Settled bool `json:"settled"`
	// Complaints say in words what does not agree: the first of them.
	Complaints []string `json:"complaints,omitempty"`
}

// OK: nothing oversold, lost or duplicated, and everything adds up.
func (v Verdict) OK() bool {
	return v.Oversold == 0 && v.Lost == 0 && v.Duplicated == 0 && v.Conserved
}

// maxComplaints bounds what a report prints; the counts are complete.
const maxComplaints = 20

func (v *Verdict) complain(format string, args ...any) {
	if len(v.Complaints) < maxComplaints {
		v.Complaints = append(v.Complaints, fmt.Sprintf(format, args...))
	}
}

func (v *Verdict) unbalanced(format string, args ...any) {
	v.Conserved = false
	v.complain(format, args...)
}

// judge holds the acknowledged orders against the books.
func judge(products []product, ledgers []*ledger, b *Books) Verdict {
	v := Verdict{Conserved: true, Settled: true}
	for _, p := range products {
		v.stock(p, b)
	}
	v.slices(products, b)
	for _, l := range ledgers {
		v.player(products, l, b.Players[l.player])
	}
	spent, priced := b.Total["player/spent/"+currency], b.Total["player/priced/"+currency]
	if spent != priced {
		v.unbalanced("players spent %d %s on orders priced %d", spent, currency, priced)
	}
	return v
}

// stock checks one product over all slices and players.
func (v *Verdict) stock(p product, b *Books) {
	stock := func(account string) int64 { return b.Total["stock/"+p.sku+"/"+account] }
	granted := b.Total["player/"+p.sku+"/granted"]
	unconfirmed := b.Total["player/"+p.sku+"/unconfirmed"]

	if initial := stock("initial") + stock("restocked"); initial != p.stock {
		v.unbalanced("%s: %d units by the books, %d put on sale", p.sku, initial, p.stock)
	}
	if over := max(stock("sold"), granted) - p.stock; over > 0 {
		v.Oversold += over
		v.complain("%s: %d units sold, %d granted, of %d", p.sku, stock("sold"), granted, p.stock)
	}
	// A slice books an order as sold before the player knows that it has.
	if sold := stock("sold"); sold > granted || sold < granted-unconfirmed {
		v.unbalanced("%s: %d sold, although %d granted, %d of them unconfirmed", p.sku, sold, granted, unconfirmed)
	}
	if in, out := stock("received"), stock("lent"); in > out {
		v.unbalanced("%s: slices received %d units, but lent %d", p.sku, in, out)
	}
	if stock("held") != 0 || unconfirmed != 0 || stock("received") != stock("lent") {
		v.Settled = false
	}
}

// slices checks that every slice of every product adds up.
func (v *Verdict) slices(products []product, b *Books) {
	found := make(map[string]int, len(products))
	for id, accounts := range b.Slices {
		sku, _, _ := strings.Cut(id, "/")
		found[sku]++
		at := func(account string) int64 { return accounts["stock/"+sku+"/"+account] }
		has := at("sold") + at("held") + at("free")
		got := at("initial") + at("restocked") + at("received") - at("lent")
		if has != got {
			v.unbalanced("slice %s: sold %d, held %d and free %d do not make %d", id, at("sold"), at("held"), at("free"), got)
		}
		if at("free") < 0 {
			v.Oversold -= at("free")
			v.complain("slice %s: %d free", id, at("free"))
		}
	}
	for _, p := range products {
		if found[p.sku] == 0 {
			v.unbalanced("%s: no slice in the books", p.sku)
		}
	}
}

// player compares what one player was told with what the books say: the number
// of orders, their exact set by its digest, and the units of each product.
func (v *Verdict) player(products []product, l *ledger, a Accounts) {
	lost := max(l.orders()-a["player/orders/completed"], 0)
	extra := max(a["player/orders/completed"]-l.orders(), 0)
	if lost == 0 && extra == 0 && uint64(a["player/orders/digest"]) != l.digest {
		// As many orders, but not the same: at least one for another.
		lost, extra = 1, 1
	}
	var lostUnits, extraUnits int64
	for i, p := range products {
		missing := l.units[i] - a["player/"+p.sku+"/granted"]
		lostUnits += max(missing, 0)
		extraUnits += max(-missing, 0)
	}
	lost, extra = max(lost, lostUnits), max(extra, extraUnits)
	if lost > 0 || extra > 0 || l.twice > 0 {
		v.Lost += lost
		v.Duplicated += extra + l.twice
		v.complain("player %s: %d acknowledged, %d in the books: %d lost, %d not acknowledged, %d acknowledged twice",
			l.player, l.orders(), a["player/orders/completed"], lost, extra, l.twice)
	}
	if spent := a["player/spent/"+currency]; spent != l.spent {
		v.unbalanced("player %s: paid %d %s by the books, %d by the acknowledgements", l.player, spent, currency, l.spent)
	}
}
