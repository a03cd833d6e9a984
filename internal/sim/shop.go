package sim

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/player"
	"github.com/holdfast-game/holdfast/actors/stock"
	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// shop is what is for sale, and who buys it: the clients, and the gateways.
type shop struct {
	w       *World
	kinds   *actors.Registry
	catalog catalog
	skus    []actors.SKU
	clients []*client
	views   [gateways]*cluster.Watched
	calls   map[uint64]*call
	last    uint64 // call
	open    int    // requests that still want an answer
}

type catalog map[actors.SKU]*clusterv1.Product

func (c catalog) Product(sku actors.SKU) (*clusterv1.Product, bool) {
	p, ok := c[sku]
	return p, ok
}

// call is one copy of a request on its way.
type call struct {
	request *request
	by      int // the gateway
}

// request is something that a client wants until it is answered.
type request struct {
	client   *client
	command  cluster.Command // without Call
	patience int             // copies that are still to be sent, answered or not
	done     bool
	answered func(*cluster.Answer) bool // true: that was the answer
	again    bool                       // the next copy is planned

	// Of purchases.
	buy    *clientv1.Buy
	bought *clientv1.Bought
	code   clientv1.Code // why it was refused
	closed bool          // told that it is too old to be answered
}

// client is one player's client.
type client struct {
	id    actors.PlayerID
	next  uint64
	buys  []*request       // from the oldest that is not answered on
	acked map[string]int64 // units known to be bought, by SKU
}

func newShop(w *World) *shop {
	s := &shop{w: w, catalog: make(catalog), calls: make(map[uint64]*call)}
	for i := range s.views {
		s.views[i] = cluster.WatchSimulated(nil, w.weather.shards)
		w.watch(s.views[i], w.gatewayAt(i), func() {})
	}
	for i := range w.weather.products {
		sku := actors.SKU(fmt.Sprintf("sword-%d", i))
		s.skus = append(s.skus, sku)
		s.catalog[sku] = &clusterv1.Product{
			Sku: string(sku), Price: 1 + w.rnd.Int64N(10), Currency: "gold", Slices: 1 + w.rnd.Uint32N(uint32(w.weather.slices)),
		}
	}
	kinds := []actors.Kind{
		player.Kind(player.Config{
			Catalog: s.catalog, Start: map[string]int64{"gold": w.weather.funds}, Orders: w.weather.orders,
		}),
		stock.Kind(stock.Config{Catalog: s.catalog, HoldAsk: w.weather.holdAsk, LendMin: 1}),
	}
	kinds[0] = poisonous(kinds[0])
	if w.bug != nil && w.bug.kinds != nil {
		w.bug.kinds(kinds)
	}
	var err error
	if s.kinds, err = actors.NewRegistry(kinds...); err != nil {
		panic(err)
	}
	for i := range w.weather.players {
		s.clients = append(s.clients, &client{id: actors.PlayerID(fmt.Sprintf("p%d", i)), acked: make(map[string]int64)})
	}
	s.stockUp()
	for _, c := range s.clients {
		w.after(w.upTo(2*time.Second), func() { s.shopping(c) })
	}
	return s
}

// stockUp puts units into random slices, each share once whatever is lost.
func (s *shop) stockUp() {
	w := s.w
	for _, sku := range s.skus {
		for part := range 2 + w.rnd.IntN(3) {
			m := &clusterv1.Restock{Id: fmt.Sprintf("part-%d", part), Quantity: 1 + w.rnd.Int64N(w.weather.units), Initial: part == 0}
			ref := stock.Ref(sku, w.rnd.Uint32N(s.catalog[sku].GetSlices()))
			r := &request{command: s.command(ref, stock.MethodRestock, m)}
			r.command.Caller = cluster.Caller{Admin: true}
			r.answered = func(a *cluster.Answer) bool {
				if a.Code != 0 {
					w.violated("restock of %s is refused: %v %s", ref, a.Code, a.Text)
				}
				return true
			}
			w.after(w.upTo(10*time.Second)*time.Duration(part), func() { s.begin(r) })
		}
	}
}

func (s *shop) command(to actors.Ref, method string, body proto.Message) cluster.Command {
	id := cluster.ActorID(to)
	return cluster.Command{Shard: id.Shard(s.w.weather.shards), To: id, Method: method, Body: body}
}

// shopping has a client want something, and again a while later.
func (s *shop) shopping(c *client) {
	w := s.w
	if w.calm {
		return
	}
	for len(c.buys) > 0 && c.buys[0].done {
		c.buys = c.buys[1:]
	}
	// A player's table of orders must have room for what is answered while an
	// older request is on its way.
	if len(c.buys) >= w.weather.orders/2 || w.rnd.IntN(4) == 0 {
		s.read(c)
	} else {
		s.buy(c)
	}
	w.after(w.between(50*time.Millisecond, w.weather.pause), func() { s.shopping(c) })
}

// buy is the client's next purchase.
func (s *shop) buy(c *client) {
	w := s.w
	c.next += 1 + w.rnd.Uint64N(2)
	m := &clientv1.Buy{Request: c.next, Sku: string(pick(w, s.skus)), Quantity: 1 + w.rnd.Int64N(2)*w.rnd.Int64N(3)}
	switch w.rnd.IntN(40) {
	case 0:
		m.Sku = poison
	case 1:
		m.Sku = "no-such"
	}
	r := &request{client: c, buy: m, patience: w.rnd.IntN(2) * w.rnd.IntN(5), command: s.command(player.Ref(c.id), player.MethodBuy, m)}
	r.command.Caller, r.command.Request = cluster.Caller{Player: string(c.id)}, m.GetRequest()
	r.answered = func(a *cluster.Answer) bool { return s.boughtAnswer(r, a) }
	c.buys = append(c.buys, r)
	s.begin(r)
}

// boughtAnswer judges an answer to a purchase.
func (s *shop) boughtAnswer(r *request, a *cluster.Answer) bool {
	w, n := s.w, orderID{string(r.client.id), r.buy.GetRequest()}
	switch a.Code {
	case clientv1.Code_CODE_UNSPECIFIED:
		b := a.Body.(*clientv1.Bought)
		w.history.books.check(n, b, 0)
		switch {
		case r.code != 0:
			w.violated("order %s is bought after it was refused with %v", n, r.code)
		case r.bought != nil && !proto.Equal(b, r.bought):
			w.violated("order %s is answered with %v, before with %v", n, b, r.bought)
		case r.bought == nil:
			r.bought = b
			r.client.acked[r.buy.GetSku()] += r.buy.GetQuantity()
			w.counts.Bought++
			if w.rnd.IntN(3) == 0 { // people look at what they have bought
				s.read(r.client)
			}
		}
	case clientv1.Code_CODE_OVERLOADED, clientv1.Code_CODE_UNAVAILABLE:
		return false
	case clientv1.Code_CODE_EXPIRED_REQUEST:
		r.closed = true
	case clientv1.Code_CODE_INTERNAL:
		if r.buy.GetSku() != poison {
			w.violated("order %s is answered with %v: %s", n, a.Code, a.Text)
		}
	case clientv1.Code_CODE_INVALID_ARGUMENT:
		w.violated("order %s is answered with %v: %s", n, a.Code, a.Text)
	default:
		w.history.books.check(n, nil, a.Code)
		if r.bought != nil || r.code != 0 && r.code != a.Code {
			w.violated("order %s is refused with %v, was answered %v %v before", n, a.Code, r.bought, r.code)
		}
		if r.code == 0 {
			w.counts.Refused++
		}
		r.code = a.Code
	}
	return true
}

// read looks at what the client's player has: at least what the client knew to be
// bought when it asked, and nothing that the logs do not have.
func (s *shop) read(c *client) {
	known := make(map[string]int64, len(c.acked))
	for sku, n := range c.acked {
		known[sku] = n
	}
	r := &request{client: c, command: s.command(player.Ref(c.id), player.MethodGet, new(clientv1.GetPlayer))}
	r.command.Caller = cluster.Caller{Player: string(c.id)}
	r.answered = func(a *cluster.Answer) bool {
		if a.Code != 0 {
			return true
		}
		s.w.counts.Reads++
		have := make(map[string]int64)
		for _, it := range a.Body.(*clientv1.Player).GetBackpack() {
			have[it.GetSku()] = it.GetQuantity()
		}
		for _, sku := range s.skus {
			has, logged := have[string(sku)], s.w.history.books.player(string(c.id)).items[string(sku)]
			if has < known[string(sku)] || has > logged {
				s.w.violated("player %s reads %d %s; %d were acknowledged before, the log has %d", c.id, has, sku, known[string(sku)], logged)
			}
		}
		return true
	}
	s.begin(r)
}

// begin sends a request, and again until it is answered.
func (s *shop) begin(r *request) {
	s.open++
	s.send(r)
}

func (s *shop) send(r *request) {
	w := s.w
	r.again = false
	if r.done && r.patience == 0 {
		return
	}
	if r.done {
		r.patience--
	}
	by := w.rnd.IntN(gateways)
	s.sendTo(r, by, s.views[by].View.Routes().Owner(r.command.Shard).Address)
	pause := w.between(200*time.Millisecond, 2*time.Second)
	if !w.calm && w.rnd.IntN(6) == 0 {
		pause += w.upTo(2 * w.weather.holdAsk) // so long that slices ask what became of it
	}
	s.plan(r, pause)
}

// plan sends the next copy after a while, unless one is planned.
func (s *shop) plan(r *request, d time.Duration) {
	if r.again {
		return
	}
	r.again = true
	s.w.after(d, func() { s.send(r) })
}

func (s *shop) sendTo(r *request, by int, to cluster.Address) {
	if to == "" {
		return
	}
	s.last++
	c := r.command
	c.Call = s.last
	s.calls[c.Call] = &call{request: r, by: by}
	s.w.tell(s.w.gatewayAt(by), to, func(l *life) { l.command(&c) })
}

// comesBy is where the answer to a command goes.
func (s *shop) comesBy(c *cluster.Command) endpoint { return s.w.gatewayAt(s.calls[c.Call].by) }

// answered takes an answer to the client.
func (s *shop) answered(a *cluster.Answer) {
	w := s.w
	c := s.calls[a.Call]
	if c == nil {
		return
	}
	r := c.request
	if w.trace != nil {
		w.note("client", "hears about %s %d of %s: not owner %t (%v), %v %s %v", r.command.Method, r.command.Request, r.command.To, a.NotOwner, a.Owner, a.Code, a.Text, a.Body)
	}
	if a.NotOwner {
		if !r.done && w.rnd.IntN(2) == 0 {
			to := a.Owner.Address
			w.after(w.upTo(50*time.Millisecond), func() { s.sendTo(r, c.by, to) })
		}
		return
	}
	if r.answered(a) && !r.done {
		r.done = true
		s.open--
	}
}
