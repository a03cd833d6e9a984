package history

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// change is what an event did to a player's purse.
type change struct {
	seq      uint64
	amount   int64
	request  uint64 // of the purchase; 0 for money that came in
	currency string
}

// raise is an event that closed a player's orders up to a number.
type raise struct {
	seq       uint64
	watermark uint64
}

// purse sums up one currency of one player.
type purse struct {
	funded, priced int64
	granted        int64 // the part of funded that an operator gave
}

// slice is what the log has of one slice of stock.
type slice struct {
	sliceKey
	name   string
	events []sliceEvent
	accounts
	holds map[orderKey]*hold
}

// accounts are those of a slice.
type accounts struct {
	initial, restocked, received, lent, free, held, sold int64
}

// orderKey names an order by its player's number.
type orderKey struct {
	player  uint32
	request uint64
}

// hold is what a slice has to do with one order.
type hold struct {
	held  int64
	sold  int64 // units
	times int   // that it was sold
}

// sliceEvent is a part of a stock event; one event may have several parts, in
// order.
type sliceEvent struct {
	seq     uint64
	request uint64 // or the number of a transfer, or a watermark
	amount  int64
	at      int64  // Unix nanoseconds, 0 if the event does not say
	player  uint32 // or the other slice
	kind    sliceEventKind
	outcome uint8 // of a release
}

type sliceEventKind uint8

const (
	reserve sliceEventKind = iota
	sell
	release
	restock
	lend
	receive
	deliver
	closing
)

// fold reads the log into the evidence.
type fold struct {
	*evidence
	log   *logAudit
	order *orderAudit
}

func (f *fold) take(r *Record) error {
	at, counts := f.log.take(r)
	switch {
	case !counts:
	case r.Player != nil:
		f.player(r, at)
	case r.Stock != nil:
		f.stock(r, at)
	}
	return nil
}

// player takes one event of a player.
func (f *fold) player(r *Record, at place) {
	p := f.evidence.player(r.ID)
	e := r.Player
	for _, a := range e.GetOpening().GetWallet() {
		p.opened = true
		p.purse(a.GetCurrency()).funded += a.GetAmount()
		p.money = append(p.money, change{seq: r.Seq, amount: a.GetAmount(), currency: a.GetCurrency()})
	}
	for _, n := range e.GetAcknowledged() {
		if b := p.purchase(n); b.acked == 0 || r.Seq < b.acked {
			b.acked = r.Seq
		}
	}
	switch c := e.GetChange().(type) {
	case *journalv1.PlayerEvent_Completed:
		f.completed(r, at, p, c.Completed)
	case *journalv1.PlayerEvent_Declined:
		f.declined(r, at, p, c.Declined)
	case *journalv1.PlayerEvent_Granted:
		g := c.Granted
		purse := p.purse(g.GetCurrency())
		purse.funded += g.GetAmount()
		purse.granted += g.GetAmount()
		p.money = append(p.money, change{seq: r.Seq, amount: g.GetAmount(), currency: g.GetCurrency()})
	}
	if w := e.GetWatermark(); w > 0 {
		p.raises = append(p.raises, raise{seq: r.Seq, watermark: w})
	}
}

func (f *fold) completed(r *Record, at place, p *player, c *journalv1.PurchaseCompleted) {
	b := p.purchase(c.GetRequest())
	b.completed++
	p.purse(c.GetCurrency()).priced += c.GetPrice()
	p.money = append(p.money, change{seq: r.Seq, amount: -c.GetPrice(), request: c.GetRequest(), currency: c.GetCurrency()})
	if b.completed == 1 {
		b.loggedSKU, b.loggedSlice = f.sku(c.GetSku()), c.GetSlice()
		b.loggedQuantity, b.loggedPrice = c.GetQuantity(), c.GetPrice()
	}
	f.logged(r, at, p, b)
}

func (f *fold) declined(r *Record, at place, p *player, d *journalv1.PurchaseDeclined) {
	b := p.purchase(d.GetRequest())
	b.declined++
	if b.declined == 1 {
		b.loggedCode = code(d.GetCode())
	}
	f.logged(r, at, p, b)
}

// logged notes where the fate of a purchase stands first.
func (f *fold) logged(r *Record, at place, p *player, b *purchase) {
	if b.seq == 0 {
		b.seq, b.where = r.Seq, at
	}
	if b.asked {
		f.order.take(r, at, p, b, b.completed+b.declined == 1)
	}
}

// stock takes one event of a slice.
func (f *fold) stock(r *Record, at place) {
	sku, index, ok := strings.Cut(r.ID, "/")
	i, err := strconv.ParseUint(index, 10, 32)
	if !ok || err != nil {
		f.log.result.violated("%s: %q is no slice", f.log.at(at), r.ID)
		return
	}
	s := f.slice(sliceKey{f.sku(sku), uint32(i)})
	add := func(e sliceEvent) {
		e.seq = r.Seq
		s.events = append(s.events, e)
	}
	booked := func(player string, requests []uint64) uint32 {
		p := f.evidence.player(player).number
		for _, n := range requests {
			add(sliceEvent{kind: sell, player: p, request: n})
		}
		return p
	}
	closed := func(p uint32, watermark uint64) {
		if watermark > 0 {
			add(sliceEvent{kind: closing, player: p, request: watermark})
		}
	}
	switch c := r.Stock.GetChange().(type) {
	case *journalv1.StockEvent_Reserved:
		e := c.Reserved
		p := booked(e.GetPlayer(), e.GetSold())
		add(sliceEvent{kind: reserve, player: p, request: e.GetRequest(), amount: e.GetQuantity(), at: e.GetAt()})
		closed(p, e.GetWatermark())
		if b := f.players[p].find(e.GetRequest()); b != nil && b.asked {
			f.order.take(r, at, f.players[p], b, false)
		}
	case *journalv1.StockEvent_Sold:
		closed(booked(c.Sold.GetPlayer(), c.Sold.GetRequests()), c.Sold.GetWatermark())
	case *journalv1.StockEvent_Released:
		e := c.Released
		add(sliceEvent{kind: release, player: f.evidence.player(e.GetPlayer()).number, request: e.GetRequest(), outcome: uint8(e.GetOutcome())})
	case *journalv1.StockEvent_Restocked:
		e := c.Restocked
		var initial uint32
		if e.GetInitial() {
			initial = 1
		}
		add(sliceEvent{kind: restock, amount: e.GetQuantity(), at: e.GetAt(), player: initial})
	case *journalv1.StockEvent_Lent:
		e := c.Lent
		add(sliceEvent{kind: lend, player: e.GetTo(), request: e.GetNumber(), amount: e.GetQuantity(), at: e.GetAt()})
	case *journalv1.StockEvent_Received:
		e := c.Received
		add(sliceEvent{kind: receive, player: e.GetFrom(), request: e.GetNumber(), amount: e.GetQuantity()})
	case *journalv1.StockEvent_Delivered:
		e := c.Delivered
		add(sliceEvent{kind: deliver, player: e.GetTo(), request: e.GetNumber()})
	}
}

// sort brings the events of each actor into their order, which the logs have
// only piece by piece.
func (e *evidence) sort() {
	for _, p := range e.players {
		slices.SortStableFunc(p.money, func(x, y change) int { return cmp.Compare(x.seq, y.seq) })
		slices.SortStableFunc(p.raises, func(x, y raise) int { return cmp.Compare(x.seq, y.seq) })
	}
	for _, s := range e.slices {
		slices.SortStableFunc(s.events, func(x, y sliceEvent) int { return cmp.Compare(x.seq, y.seq) })
	}
	slices.SortFunc(e.slices, func(x, y *slice) int {
		return cmp.Or(cmp.Compare(e.skus.list[x.sku], e.skus.list[y.sku]), cmp.Compare(x.index, y.index))
	})
}

func (p *player) purse(currency string) *purse {
	b := p.purses[currency]
	if b == nil {
		b = new(purse)
		p.purses[currency] = b
	}
	return b
}

// orderName is an order's id.
func orderName(player string, request uint64) string {
	return player + "/" + strconv.FormatUint(request, 10)
}
