package sim

import (
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/player"
	"github.com/holdfast-game/holdfast/actors/stock"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// books are kept from the events that the logs have, in the order in which they
// became durable. After each event: what is granted was held, what is sold was
// granted, what is let go was not, nothing is granted twice or after it was
// refused, units come from somewhere, and nobody spends what they do not have.
type books struct {
	w       *World
	orders  map[orderID]*orderBook
	slices  map[string]*sliceBook // by id
	players map[string]*playerBook
	stocked map[string]int64 // by SKU: units ever put in
	granted map[string]int64
}

type orderID struct {
	player  string
	request uint64
}

func (o orderID) String() string { return fmt.Sprintf("%s/%d", o.player, o.request) }

// orderBook is what the logs say about an order.
type orderBook struct {
	completed *journalv1.PurchaseCompleted
	slice     string
	declined  *journalv1.PurchaseDeclined
	sold      bool
}

type sliceBook struct {
	free, held, sold int64
	holds            map[orderID]int64
	byPlayer         map[string][]uint64 // requests held
	sent             map[uint32]*journalv1.StockLent
	received         map[uint32]uint64 // numbers of the last transfers from each sibling
}

type playerBook struct {
	funds, spent int64
	items        map[string]int64
}

func newBooks(w *World) *books {
	return &books{
		w: w, orders: make(map[orderID]*orderBook), slices: make(map[string]*sliceBook), players: make(map[string]*playerBook),
		stocked: make(map[string]int64), granted: make(map[string]int64),
	}
}

func (b *books) order(id orderID) *orderBook {
	o := b.orders[id]
	if o == nil {
		o = new(orderBook)
		b.orders[id] = o
	}
	return o
}

func (b *books) player(id string) *playerBook {
	p := b.players[id]
	if p == nil {
		p = &playerBook{items: make(map[string]int64)}
		b.players[id] = p
	}
	return p
}

func (b *books) slice(id string) *sliceBook {
	s := b.slices[id]
	if s == nil {
		s = &sliceBook{
			holds: make(map[orderID]int64), byPlayer: make(map[string][]uint64),
			sent: make(map[uint32]*journalv1.StockLent), received: make(map[uint32]uint64),
		}
		b.slices[id] = s
	}
	return s
}

// post enters one event.
func (b *books) post(r *record) {
	switch r.Kind {
	case player.KindName:
		e := new(journalv1.PlayerEvent)
		if err := proto.Unmarshal(r.Event, e); err != nil {
			panic(err)
		}
		b.postPlayer(r.ID, e)
	case stock.KindName:
		e := new(journalv1.StockEvent)
		if err := proto.Unmarshal(r.Event, e); err != nil {
			panic(err)
		}
		b.postStock(r.ID, e)
	}
}

func (b *books) postPlayer(id string, e *journalv1.PlayerEvent) {
	p := b.player(id)
	for _, a := range e.GetOpening().GetWallet() {
		p.funds += a.GetAmount()
	}
	switch c := e.GetChange().(type) {
	case *journalv1.PlayerEvent_Completed:
		b.complete(orderID{id, c.Completed.GetRequest()}, p, c.Completed)
	case *journalv1.PlayerEvent_Declined:
		n := orderID{id, c.Declined.GetRequest()}
		o := b.order(n)
		if o.completed != nil || o.declined != nil {
			b.w.violated("order %s is declined after it was completed or declined", n)
		}
		o.declined = c.Declined
	}
}

func (b *books) complete(n orderID, p *playerBook, c *journalv1.PurchaseCompleted) {
	o := b.order(n)
	ref := stock.Ref(actors.SKU(c.GetSku()), c.GetSlice())
	s := b.slice(ref.ID)
	switch {
	case o.completed != nil:
		b.w.violated("order %s is completed twice", n)
	case o.declined != nil:
		b.w.violated("order %s is completed after it was declined", n)
	case s.holds[n] != c.GetQuantity():
		b.w.violated("order %s is completed with %d units of slice %s, which holds %d for it", n, c.GetQuantity(), ref.ID, s.holds[n])
	}
	o.completed, o.slice = c, ref.ID
	p.spent += c.GetPrice()
	p.items[c.GetSku()] += c.GetQuantity()
	b.granted[c.GetSku()] += c.GetQuantity()
	if p.spent > p.funds {
		b.w.violated("player %s has spent %d of %d", n.player, p.spent, p.funds)
	}
	if b.granted[c.GetSku()] > b.stocked[c.GetSku()] {
		b.w.violated("%d units of %s are granted of %d", b.granted[c.GetSku()], c.GetSku(), b.stocked[c.GetSku()])
	}
}

func (b *books) postStock(id string, e *journalv1.StockEvent) {
	s := b.slice(id)
	sku, index, err := stock.ParseID(id)
	if err != nil {
		panic(err)
	}
	switch c := e.GetChange().(type) {
	case *journalv1.StockEvent_Reserved:
		r := c.Reserved
		b.sell(id, s, r.GetPlayer(), r.GetSold())
		n := orderID{r.GetPlayer(), r.GetRequest()}
		if s.holds[n] != 0 {
			b.w.violated("slice %s holds units for order %s twice", id, n)
		}
		s.holds[n] = r.GetQuantity()
		s.byPlayer[n.player] = append(s.byPlayer[n.player], n.request)
		s.free -= r.GetQuantity()
		s.held += r.GetQuantity()
		b.raise(id, s, r.GetPlayer(), r.GetWatermark())
	case *journalv1.StockEvent_Sold:
		b.sell(id, s, c.Sold.GetPlayer(), c.Sold.GetRequests())
		b.raise(id, s, c.Sold.GetPlayer(), c.Sold.GetWatermark())
	case *journalv1.StockEvent_Released:
		b.letGo(id, s, orderID{c.Released.GetPlayer(), c.Released.GetRequest()})
	case *journalv1.StockEvent_Restocked:
		s.free += c.Restocked.GetQuantity()
		b.stocked[string(sku)] += c.Restocked.GetQuantity()
	case *journalv1.StockEvent_Lent:
		s.free -= c.Lent.GetQuantity()
		s.sent[c.Lent.GetTo()] = c.Lent
	case *journalv1.StockEvent_Received:
		r := c.Received
		sent := b.slice(stock.Ref(sku, r.GetFrom()).ID).sent[index]
		if sent.GetNumber() != r.GetNumber() || sent.GetQuantity() != r.GetQuantity() || s.received[r.GetFrom()] >= r.GetNumber() {
			b.w.violated("slice %s receives transfer %d of %d units from slice %d, which has sent %v", id, r.GetNumber(), r.GetQuantity(), r.GetFrom(), sent)
		}
		s.received[r.GetFrom()] = r.GetNumber()
		s.free += r.GetQuantity()
	}
	if s.free < 0 || s.held < 0 {
		b.w.violated("slice %s has %d units free and %d held", id, s.free, s.held)
	}
}

// drop ends a hold and returns its units.
func (s *sliceBook) drop(n orderID) int64 {
	q := s.holds[n]
	delete(s.holds, n)
	kept := s.byPlayer[n.player][:0]
	for _, r := range s.byPlayer[n.player] {
		if r != n.request {
			kept = append(kept, r)
		}
	}
	s.byPlayer[n.player] = kept
	s.held -= q
	return q
}

// sell books holds as sold: of orders completed with them.
func (b *books) sell(id string, s *sliceBook, who string, requests []uint64) {
	for _, r := range requests {
		n := orderID{who, r}
		o := b.order(n)
		if o.completed == nil || o.slice != id || o.sold {
			b.w.violated("slice %s books order %s as sold; it was completed in %q, sold before: %t", id, n, o.slice, o.sold)
		}
		o.sold = true
		s.sold += s.drop(n)
	}
}

// letGo frees the units of an order: one that was not completed with them.
func (b *books) letGo(id string, s *sliceBook, n orderID) {
	if o := b.order(n); o.completed != nil && o.slice == id && !o.sold {
		b.w.violated("slice %s lets the units of order %s go, which was completed with them", id, n)
	}
	s.free += s.drop(n)
}

// raise lets everything go that a player has closed.
func (b *books) raise(id string, s *sliceBook, who string, watermark uint64) {
	for _, r := range append([]uint64(nil), s.byPlayer[who]...) {
		if r <= watermark {
			b.letGo(id, s, orderID{who, r})
		}
	}
}

// quiet is what must hold in addition when nothing is under way.
func (b *books) quiet() error {
	for _, sku := range slices.Sorted(maps.Keys(b.stocked)) {
		stocked := b.stocked[sku]
		var free, held, sold int64
		for id, s := range b.slices {
			if of, _, _ := stock.ParseID(id); string(of) == sku {
				free, held, sold = free+s.free, held+s.held, sold+s.sold
			}
		}
		if free+held+sold != stocked || held != 0 || sold != b.granted[sku] {
			return fmt.Errorf("%s: %d free, %d held and %d sold of %d, %d granted", sku, free, held, sold, stocked, b.granted[sku])
		}
	}
	return nil
}

// check compares an answer that a client got with the books.
func (b *books) check(n orderID, bought *clientv1.Bought, code clientv1.Code) {
	o := b.order(n)
	switch {
	case bought != nil:
		got := bought.GetOrder()
		if c := o.completed; c == nil || c.GetQuantity() != got.GetQuantity() || c.GetPrice() != got.GetPrice() || c.GetSku() != got.GetSku() {
			b.w.violated("the client was told that order %s is bought: %v; the log has %v", n, got, c)
		}
	case o.declined == nil || clientv1.Code(o.declined.GetCode()) != code:
		b.w.violated("the client was told that order %s is refused with %v; the log has %v", n, code, o.declined)
	}
}
