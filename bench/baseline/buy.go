package baseline

import (
	"context"
	"strconv"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// maxQuantity of one purchase, as Holdfast's.
const maxQuantity = 1000

// reply answers one request.
func (s *session) reply(ctx context.Context, f *clientv1.ClientFrame) *clientv1.ServerFrame {
	b := f.GetBuy()
	switch {
	case b == nil:
		return refuse(f.Seq, clientv1.Code_CODE_INVALID_ARGUMENT, "this gateway only sells")
	case b.Request == 0 || b.Sku == "" || b.Quantity < 1 || b.Quantity > maxQuantity:
		return refuse(f.Seq, clientv1.Code_CODE_INVALID_ARGUMENT, "request, sku or quantity is out of range")
	case b.MaxPrice != 0:
		return refuse(f.Seq, clientv1.Code_CODE_INVALID_ARGUMENT, "this gateway sells at the product's price")
	}
	p := Purchase{Player: s.player, Request: b.Request, SKU: b.Sku, Quantity: b.Quantity}
	r, err := s.store.Buy(ctx, &p)
	switch {
	case err != nil:
		return refuse(f.Seq, clientv1.Code_CODE_UNAVAILABLE, err.Error())
	case !r.of(&p):
		return refuse(f.Seq, clientv1.Code_CODE_INVALID_ARGUMENT, "the request number was used for something else")
	case r.Code != clientv1.Code_CODE_UNSPECIFIED:
		return refuse(f.Seq, r.Code, "the purchase was refused")
	}
	return &clientv1.ServerFrame{Seq: f.Seq, Body: &clientv1.ServerFrame_Bought{Bought: &clientv1.Bought{
		Order: &clientv1.Order{
			Id: p.Player + "/" + strconv.FormatUint(p.Request, 10), Request: p.Request, Sku: r.SKU,
			Quantity: r.Quantity, Price: r.Price, Currency: currency, State: clientv1.OrderState_ORDER_STATE_GRANTED,
		},
		Balance: r.Balance,
	}}}
}
