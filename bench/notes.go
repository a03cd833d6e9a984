package bench

import (
	"strconv"
	"time"

	"github.com/holdfast-game/holdfast/bench/chaos/history"
	"github.com/holdfast-game/holdfast/client"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// noteReply records what a lane was answered to a purchase sent at asked.
func noteReply(h *history.Recorder, player, sku string, request uint64, quantity int64, asked time.Duration, r *client.Reply, err error) {
	op := history.Op{
		Kind: history.Buy, Client: player, SKU: sku, Request: request, Quantity: quantity, Invoke: asked, Return: h.Now(),
		Outcome: history.Unknown,
	}
	switch {
	case err != nil:
	case r.Bought:
		op.Outcome, op.Quantity, op.Price, op.Balance = history.OK, r.Quantity, r.Price, r.Balance
		if !namedAfter(r.OrderID, player, request) {
			op.Order = string(r.OrderID)
		}
	case r.Refused:
		op.Outcome, op.Code = history.OutcomeOf(r.Code), r.Code
	}
	h.Add(&op)
}

// noteBought records what a Conn was answered to a purchase sent at asked.
func noteBought(h *history.Recorder, player string, b *clientv1.Buy, asked time.Duration, got *clientv1.Bought, err error) {
	op := history.Op{
		Kind: history.Buy, Client: player, SKU: b.Sku, Request: b.Request, Quantity: b.Quantity, Invoke: asked, Return: h.Now(),
	}
	if err == nil {
		order := got.GetOrder()
		op.Outcome, op.Quantity, op.Price, op.Balance = history.OK, order.GetQuantity(), order.GetPrice(), got.GetBalance()
		if id := order.GetId(); id != player+"/"+strconv.FormatUint(b.Request, 10) {
			op.Order = id
		}
	} else {
		// A Conn that cannot connect again fails with the refusal of that.
		op.Code = client.CodeOf(err)
		op.Outcome = history.OutcomeOf(op.Code)
	}
	h.Add(&op)
}

// namedAfter says whether an order's id is player, "/", request.
func namedAfter(order []byte, player string, request uint64) bool {
	if len(order) <= len(player) || string(order[:len(player)]) != player || order[len(player)] != '/' {
		return false
	}
	var number [20]byte
	return string(order[len(player)+1:]) == string(strconv.AppendUint(number[:0], request, 10))
}

func (s *sale) noteStock(p product, asked time.Duration, err error) {
	s.History.Add(&history.Op{
		Kind: history.Stock, SKU: p.sku, Quantity: p.stock, Price: price, Invoke: asked, Return: s.History.Now(), Outcome: done(err),
	})
}

func (s *sale) noteGrant(player string, asked time.Duration, err error) {
	s.History.Add(&history.Op{
		Kind: history.Grant, Client: player, Amount: balance, Invoke: asked, Return: s.History.Now(), Outcome: done(err),
	})
}

// done is the outcome of what an operator asked for.
func done(err error) history.Outcome {
	if err != nil {
		return history.Unknown
	}
	return history.OK
}
