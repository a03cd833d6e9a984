package clienttest

import (
	"strconv"
	"sync"

	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// Shop answers Buy from memory: a number buys once, whatever happens to the
// connections.
type Shop struct {
	mu sync.Mutex
	// Stock is what is left, by SKU. Guarded by the shop once it is open.
	stock  map[string]int64
	orders map[string]*clientv1.Order // by order id
	// asked counts the Buy frames by order id, repetitions included.
	asked map[string]int
}

// NewShop returns a shop that offers this stock, by SKU.
func NewShop(stock map[string]int64) *Shop {
	return &Shop{stock: stock, orders: make(map[string]*clientv1.Order), asked: make(map[string]int)}
}

// Handle is a Handler. It answers Buy and Ping.
func (s *Shop) Handle(c *Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
	switch b := f.Body.(type) {
	case *clientv1.ClientFrame_Buy:
		return s.buy(c.Player, b.Buy)
	case *clientv1.ClientFrame_Ping:
		return &clientv1.ServerFrame{Body: &clientv1.ServerFrame_Pong{Pong: &clientv1.Pong{}}}
	default:
		return Refuse(clientv1.Code_CODE_INVALID_ARGUMENT, "this shop only sells")
	}
}

func (s *Shop) buy(player string, b *clientv1.Buy) *clientv1.ServerFrame {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := player + "/" + strconv.FormatUint(b.Request, 10)
	s.asked[id]++
	order := s.orders[id]
	if order == nil {
		order = &clientv1.Order{
			Id: id, Request: b.Request, Sku: b.Sku, Quantity: b.Quantity, Price: b.Quantity, Currency: "gold",
			State: clientv1.OrderState_ORDER_STATE_GRANTED,
		}
		if s.stock[b.Sku] < b.Quantity {
			order.State, order.Reason = clientv1.OrderState_ORDER_STATE_CANCELLED, clientv1.Code_CODE_SOLD_OUT
		} else {
			s.stock[b.Sku] -= b.Quantity
		}
		s.orders[id] = order
	}
	if order.State == clientv1.OrderState_ORDER_STATE_CANCELLED {
		return Refuse(order.Reason, "no more")
	}
	return &clientv1.ServerFrame{Body: &clientv1.ServerFrame_Bought{
		Bought: &clientv1.Bought{Order: proto.CloneOf(order), Balance: 1},
	}}
}

// Sold returns the orders that were granted.
func (s *Shop) Sold() []*clientv1.Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	var sold []*clientv1.Order
	for _, o := range s.orders {
		if o.State == clientv1.OrderState_ORDER_STATE_GRANTED {
			sold = append(sold, proto.CloneOf(o))
		}
	}
	return sold
}

// Left returns what is left of a product.
func (s *Shop) Left(sku string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stock[sku]
}

// Asked says how often an order was asked for.
func (s *Shop) Asked(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[id]
}
