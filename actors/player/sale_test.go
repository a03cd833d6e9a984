package player_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/actorstest"
	"github.com/holdfast-game/holdfast/actors/player"
	"github.com/holdfast-game/holdfast/actors/stock"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// catalog is a fixed one.
type catalog map[actors.SKU]*clusterv1.Product

func (c catalog) Product(sku actors.SKU) (*clusterv1.Product, bool) {
	p, ok := c[sku]
	return p, ok
}

// holdAsk is short, so that slices often ask about orders that are under way.
const holdAsk = 1500 * time.Millisecond

// plan is what one seed makes happen.
type plan struct {
	seed      uint64
	nodes     int
	players   int
	requests  int // per player
	products  catalog
	units     map[actors.SKU]int64
	orders    int // size of the players' tables
	funds     int64
	loss, dup float64
	delay     time.Duration
	crashes   int
	kinds     func(...actors.Kind) []actors.Kind // plants bugs
}

func newPlan(seed uint64) plan {
	r := rand.New(rand.NewPCG(seed, 2))
	p := plan{
		seed: seed, nodes: 1 + r.IntN(3), players: 1 + r.IntN(4), requests: 3 + r.IntN(8),
		products: make(catalog), units: make(map[actors.SKU]int64),
		orders: 3 + r.IntN(6), funds: 20 + r.Int64N(200),
		loss: 0.15 * r.Float64(), dup: 0.3 * r.Float64(), crashes: r.IntN(6),
		delay: time.Millisecond << r.IntN(9),
		kinds: func(k ...actors.Kind) []actors.Kind { return k },
	}
	if seed%8 == 0 {
		p.storm()
	}
	for i := range 1 + r.IntN(2) {
		sku := actors.SKU(fmt.Sprintf("sword-%d", i))
		p.products[sku] = &clusterv1.Product{
			Sku: string(sku), Price: 1 + r.Int64N(10), Currency: "gold", Slices: 1 + r.Uint32N(4),
			LimitPerPlayer: r.Int64N(2) * 20,
		}
		p.units[sku] = 1 + r.Int64N(25)
	}
	return p
}

// storm makes a plan as bad as weather gets.
func (p *plan) storm() {
	p.dup, p.loss, p.crashes, p.delay, p.requests = 0.7, 0.35, 10, 500*time.Millisecond, 12
}

// sale is a running plan.
type sale struct {
	plan
	w       *actorstest.World
	rand    *rand.Rand
	skus    []actors.SKU
	clients []*client
	sold    int64 // units, as far as clients know
	err     error
}

// client is one player's client.
type client struct {
	id       actors.PlayerID
	requests []*request
}

// request is one purchase a client wants.
type request struct {
	buy    *clientv1.Buy
	bought *clientv1.Bought
	final  *actors.Refusal
	expire bool
	tries  int
}

func (r *request) answered() bool { return r.bought != nil || r.final != nil }

func newSale(p plan) (*sale, error) {
	s := &sale{plan: p, rand: rand.New(rand.NewPCG(p.seed, 3))}
	w, err := actorstest.New(actorstest.Config{
		Seed: p.seed, Nodes: p.nodes, Loss: p.loss, Duplicate: p.dup, Delay: p.delay,
		Kinds: p.kinds(
			player.Kind(player.Config{
				Catalog: p.products, Start: map[string]int64{"gold": p.funds}, Orders: p.orders,
			}),
			stock.Kind(stock.Config{Catalog: p.products, HoldAsk: holdAsk, LendMin: 1}),
		),
	})
	if err != nil {
		return nil, err
	}
	s.w = w
	for i := range len(p.products) {
		s.skus = append(s.skus, actors.SKU(fmt.Sprintf("sword-%d", i)))
	}
	for i := range p.players {
		s.clients = append(s.clients, &client{id: actors.PlayerID(fmt.Sprintf("p%d", i))})
	}
	return s, nil
}

// stockUp puts the units into random slices, each share once whatever is lost.
func (s *sale) stockUp() error {
	open := 0
	for _, sku := range s.skus {
		left := s.units[sku]
		for part := 0; left > 0; part++ {
			n := min(left, 1+s.rand.Int64N(8))
			left -= n
			ref := stock.Ref(sku, s.rand.Uint32N(s.products[sku].GetSlices()))
			m := &clusterv1.Restock{Id: fmt.Sprintf("part-%d", part), Quantity: n, Initial: part%2 == 0}
			done := false
			open++
			var try func()
			try = func() {
				if done {
					return
				}
				s.w.Call(actorstest.Call{To: ref, Method: stock.MethodRestock, Caller: actors.Caller{Admin: true}, Body: m,
					Done: func(_ proto.Message, refusal *actors.Refusal) {
						if refusal != nil {
							s.fail("restock %s: %v", ref, refusal)
						}
						if !done {
							done = true
							open--
						}
					}})
				s.w.After(500*time.Millisecond, try)
			}
			try()
		}
	}
	for range 60 {
		if err := s.w.Run(time.Second, nil); err != nil || open == 0 {
			return err
		}
	}
	return fmt.Errorf("%d restocks were never answered", open)
}

func (s *sale) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
}

// send sends a request, again and again until it is answered or tries are used
// up, and now and then after that: late copies must change nothing.
func (s *sale) send(c *client, r *request, tries int) {
	if s.err != nil || tries == 0 || r.answered() && s.rand.IntN(4) > 0 {
		return
	}
	r.tries++
	s.w.Call(actorstest.Call{
		To: player.Ref(c.id), Method: player.MethodBuy, Caller: actors.Caller{Player: c.id},
		Request: r.buy.GetRequest(), Body: r.buy,
		Done: func(reply proto.Message, refusal *actors.Refusal) { s.answer(c, r, reply, refusal) },
	})
	pause := 200*time.Millisecond + time.Duration(s.rand.Int64N(int64(2*time.Second)))
	if s.rand.IntN(5) == 0 {
		pause += 2 * holdAsk // long enough for slices to ask what became of it
	}
	s.w.After(pause, func() { s.send(c, r, tries-1) })
}

// answer notes an answer, and fails if it contradicts an earlier one.
func (s *sale) answer(c *client, r *request, reply proto.Message, refusal *actors.Refusal) {
	name := player.OrderID(c.id, r.buy.GetRequest())
	var code clientv1.Code
	if refusal != nil {
		code = refusal.Code
	}
	switch code {
	case clientv1.Code_CODE_UNSPECIFIED:
		b := reply.(*clientv1.Bought)
		switch {
		case b.GetOrder().GetId() != name, b.GetOrder().GetQuantity() != r.buy.GetQuantity():
			s.fail("%s: bought %v", name, b)
		case r.final != nil:
			s.fail("%s: bought after it was refused: %v", name, r.final)
		case r.bought != nil && !proto.Equal(b, r.bought):
			s.fail("%s: answered %v, before %v", name, b, r.bought)
		case r.bought == nil:
			r.bought = b
			s.sold += b.GetOrder().GetQuantity()
		}
	case clientv1.Code_CODE_OVERLOADED, clientv1.Code_CODE_UNAVAILABLE:
	case clientv1.Code_CODE_EXPIRED_REQUEST:
		r.expire = true // closed: was answered, or never will be
	case clientv1.Code_CODE_INVALID_ARGUMENT, clientv1.Code_CODE_INTERNAL:
		s.fail("%s: %v", name, refusal)
	default:
		switch {
		case r.bought != nil:
			s.fail("%s: refused after it was bought: %v", name, refusal)
		case r.final != nil && r.final.Code != refusal.Code:
			s.fail("%s: refused as %v, before as %v", name, refusal, r.final)
		}
		r.final = refusal
	}
}

// newRequest makes a client's next request.
func (s *sale) newRequest(c *client) *request {
	n := uint64(1)
	if k := len(c.requests); k > 0 {
		n = c.requests[k-1].buy.GetRequest() + 1 + s.rand.Uint64N(2)
	}
	r := &request{buy: &clientv1.Buy{
		Request: n, Sku: string(s.skus[s.rand.IntN(len(s.skus))]), Quantity: 1 + s.rand.Int64N(2)*s.rand.Int64N(4),
	}}
	if s.rand.IntN(20) == 0 {
		r.buy.Sku = "no-such"
	}
	c.requests = append(c.requests, r)
	return r
}

// run is the whole story: a sale under faults, then quiet, then late demand
// until nothing is left.
func (s *sale) run() error {
	if err := s.stockUp(); err != nil {
		return fmt.Errorf("stock up: %w", err)
	}
	const length = 15 * time.Second
	when := func() time.Duration { return time.Duration(s.rand.Int64N(int64(length))) }
	for _, c := range s.clients {
		for range s.requests {
			s.w.After(when(), func() { s.send(c, s.newRequest(c), 1+s.rand.IntN(6)) })
		}
	}
	for range s.crashes {
		s.w.After(when(), func() {
			s.w.Crash(s.rand.IntN(s.nodes), time.Duration(s.rand.Int64N(int64(2*time.Second))))
		})
	}
	steps := 0
	check := func() error {
		if steps++; steps%32 == 0 {
			return s.booksSoFar()
		}
		return s.err
	}
	if err := s.w.Run(length+5*time.Second, check); err != nil {
		return err
	}
	s.w.Calm()
	for _, c := range s.clients { // what every client does after a pause: ask again
		for _, r := range c.requests {
			if !r.answered() && s.rand.IntN(2) == 0 {
				s.send(c, r, 8)
			}
		}
	}
	if err := s.w.Run(25*time.Second, check); err != nil {
		return err
	}
	if err := s.books(); err != nil {
		return fmt.Errorf("when all was quiet: %w", err)
	}
	if err := s.lateDemand(); err != nil {
		return fmt.Errorf("late demand: %w", err)
	}
	if err := s.books(); err != nil {
		return fmt.Errorf("in the end: %w", err)
	}
	return s.w.Verify()
}

// lateDemand buys unit by unit until each product is sold out.
func (s *sale) lateDemand() error {
	for _, sku := range s.skus {
		sold := false
		for i := range 2 + s.units[sku] {
			rich := &client{id: actors.PlayerID(fmt.Sprintf("late-%s-%d", sku, i))}
			s.clients = append(s.clients, rich)
			r := &request{buy: &clientv1.Buy{Request: 1, Sku: string(sku), Quantity: 1}}
			rich.requests = append(rich.requests, r)
			s.send(rich, r, 3)
			for wait := 0; wait < 30 && !r.answered(); wait++ {
				if err := s.w.Run(2*time.Second, nil); err != nil {
					return err
				}
			}
			if s.err != nil {
				return s.err
			}
			if !r.answered() {
				return fmt.Errorf("%s: no answer", rich.id)
			}
			if sold = r.final != nil; sold {
				if r.final.Code != clientv1.Code_CODE_SOLD_OUT {
					return fmt.Errorf("%s: %v", rich.id, r.final)
				}
				break
			}
		}
		if a := s.accounts(); !sold || a[fmt.Sprintf("stock/%s/free", sku)] != 0 {
			return fmt.Errorf("%s: %d units left, sold out: %v", sku, a[fmt.Sprintf("stock/%s/free", sku)], sold)
		}
	}
	return s.w.Run(5*time.Second, nil)
}

// accounts sums up the books of all actors.
func (s *sale) accounts() map[string]int64 {
	sum := make(map[string]int64)
	s.w.Each(func(_ actors.Ref, b actors.Behaviour) {
		if a, ok := b.(actors.Accountant); ok {
			a.Accounts(func(account string, amount int64) { sum[account] += amount })
		}
	})
	return sum
}

// booksSoFar is what must hold between any two steps, even while nodes are
// down: nothing is granted that is not in stock.
func (s *sale) booksSoFar() error {
	a := s.accounts()
	for _, sku := range s.skus {
		if granted := a["player/"+string(sku)+"/granted"]; granted > s.units[sku] {
			return fmt.Errorf("%s: %d units granted of %d", sku, granted, s.units[sku])
		}
	}
	for account, amount := range a {
		if currency, ok := strings.CutPrefix(account, "player/spent/"); ok && amount != a["player/priced/"+currency] {
			return fmt.Errorf("%d %s spent for orders of %d", amount, currency, a["player/priced/"+currency])
		}
	}
	return s.err
}

// books is what must hold when all is quiet.
func (s *sale) books() error {
	if err := s.booksSoFar(); err != nil {
		return err
	}
	a := s.accounts()
	for _, sku := range s.skus {
		get := func(name string) int64 { return a["stock/"+string(sku)+"/"+name] }
		granted, unconfirmed := a["player/"+string(sku)+"/granted"], a["player/"+string(sku)+"/unconfirmed"]
		switch {
		case get("initial")+get("restocked") != s.units[sku]:
			return fmt.Errorf("%s: stocked %d + %d of %d", sku, get("initial"), get("restocked"), s.units[sku])
		case get("lent") != get("received"):
			return fmt.Errorf("%s: lent %d, received %d", sku, get("lent"), get("received"))
		case get("held") != 0 || unconfirmed != 0:
			return fmt.Errorf("%s: %d held, %d unconfirmed", sku, get("held"), unconfirmed)
		case get("sold") != granted:
			return fmt.Errorf("%s: %d sold, %d granted", sku, get("sold"), granted)
		}
	}
	return s.orders()
}

// orders compares what each client knows with what its player has.
func (s *sale) orders() error {
	for _, c := range s.clients {
		var count, open int64
		var digest uint64
		for _, r := range c.requests {
			switch {
			case r.bought != nil:
				count++
				digest += player.OrderDigest(c.id, r.buy.GetRequest())
			case r.final == nil && r.tries > 0:
				open++ // may have been bought or not
			}
		}
		got := make(map[string]int64)
		if b, ok := s.w.Actor(player.Ref(c.id)).(actors.Accountant); ok {
			b.Accounts(func(account string, amount int64) { got[account] += amount })
		}
		completed := got["player/orders/completed"]
		if completed < count || completed > count+open {
			return fmt.Errorf("%s: %d orders completed, %d acknowledged, %d not known", c.id, completed, count, open)
		}
		if open == 0 && uint64(got["player/orders/digest"]) != digest {
			return fmt.Errorf("%s: completed other orders than were acknowledged", c.id)
		}
	}
	return nil
}
