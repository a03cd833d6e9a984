package player

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// nextRequest is the number that the client's next request should carry.
func (p *player) nextRequest() uint64 {
	highest := p.table.highest()
	if n := len(p.pending); n > 0 {
		highest = max(highest, p.pending[n-1].request)
	}
	return highest + 1
}

// view shows the player. What purchases under way will cost is still in the
// wallet.
func (p *player) view() *clientv1.Player {
	v := &clientv1.Player{
		Id:          string(p.id),
		Wallet:      make(map[string]int64, len(p.wallet)),
		NextRequest: p.nextRequest(),
		Orders:      make([]*clientv1.Order, 0, len(p.table.orders)+len(p.pending)),
	}
	for _, c := range p.wallet {
		v.Wallet[c.currency] = c.balance
	}
	for _, it := range p.items {
		v.Backpack = append(v.Backpack, &clientv1.Item{Sku: string(it.sku), Quantity: it.quantity})
	}
	for i := range p.table.orders {
		v.Orders = append(v.Orders, p.show(&p.table.orders[i], new(clientv1.Order), new(timestamppb.Timestamp)))
	}
	for _, u := range p.pending {
		v.Orders = append(v.Orders, p.show(&order{
			request: u.request, sku: u.sku, quantity: u.quantity, price: u.price, currency: u.currency,
			state: clientv1.OrderState_ORDER_STATE_CREATED, at: u.at,
		}, new(clientv1.Order), new(timestamppb.Timestamp)))
	}
	slices.SortFunc(v.Orders, func(a, b *clientv1.Order) int { return cmp.Compare(a.GetRequest(), b.GetRequest()) })
	return v
}

// show fills in what a client sees of an order.
func (p *player) show(o *order, v *clientv1.Order, at *timestamppb.Timestamp) *clientv1.Order {
	at.Seconds, at.Nanos = o.at/1e9, int32(o.at%1e9)
	v.Id, v.Request, v.Sku, v.Quantity = OrderID(p.id, o.request), o.request, string(o.sku), o.quantity
	v.Price, v.Currency, v.State, v.Reason, v.At = o.price, o.currency, o.state, o.code, at
	return v
}
