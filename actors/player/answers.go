package player

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/stock"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// decideReserved completes the purchase, if it is still waiting for this slice.
func (p *player) decideReserved(env *actors.Env, from actors.Ref, m *clusterv1.Reserved, out *actors.Decision) error {
	acks := p.news(m.GetConfirmed())
	u := p.under(m.GetRequest())
	if u == nil || u.ref != from || u.quantity != m.GetQuantity() {
		p.change.acks = acks
		if u == nil {
			p.turnDown(from, m.GetRequest(), out)
		}
		return nil
	}
	watermark, ok := p.table.room(u.request, false, p.cfg.Orders, p.floor(u.request))
	if !ok { // decideBuy has seen to it that there is room
		p.change.acks = acks
		return nil
	}
	e := p.newEvent(acks)
	c := &p.bought
	c.Request, c.Contents, c.Sku, c.Slice = u.request, u.contents, string(u.sku), u.slice
	c.Quantity, c.Price, c.Currency, c.At = u.quantity, u.price, u.currency, env.Now.UnixNano()
	p.wrapped.Completed = c
	e.Change, e.Watermark = &p.wrapped, watermark
	out.Event(e)

	p.change.end, p.change.stocked = u, true
	if p.crowded() {
		p.confirmAll(env.Now, out)
	}
	o := order{
		request: u.request, sku: u.sku, quantity: u.quantity, price: u.price, currency: u.currency,
		balance: p.wallet.balance(u.currency) - u.price, at: c.GetAt(),
	}
	body := p.receipt(&o)
	for _, w := range u.waiters {
		out.Reply(w, body)
	}
	return nil
}

// turnDown tells a slice that holds units for an order that is over to let them
// go. An order that is not known may still come: the slice will ask in time.
func (p *player) turnDown(from actors.Ref, request uint64, out *actors.Decision) {
	outcome := p.outcome(from, request)
	switch outcome {
	case clusterv1.HoldOutcome_HOLD_OUTCOME_COMPLETED_ELSEWHERE,
		clusterv1.HoldOutcome_HOLD_OUTCOME_DECLINED,
		clusterv1.HoldOutcome_HOLD_OUTCOME_CLOSED:
		out.Send(from, &clusterv1.HoldVerdict{Request: request, Outcome: outcome, Watermark: p.table.watermark})
	}
}

// decideSoldOut asks the next slice, or declines the order when all have
// answered that they have too little.
func (p *player) decideSoldOut(env *actors.Env, from actors.Ref, m *clusterv1.SoldOut, out *actors.Decision) error {
	acks := p.news(m.GetConfirmed())
	u := p.under(m.GetRequest())
	if u == nil || u.ref != from || u.quantity != m.GetQuantity() {
		p.change.acks = acks
		return nil
	}
	to := u.search
	to.tried.set(u.slice)
	for _, i := range m.GetEmpty() {
		to.tried.set(i)
	}
	to.moving = to.moving || m.GetMoving()
	slice, ref, ok := p.choose(env, u, &to.tried)
	switch {
	case ok:
		to.slice, to.ref, to.next = slice, ref, env.Now.UnixNano()+int64(p.cfg.Resend)
		p.change.acks = acks
		p.ask(env, u, ref, slice, out)
	case to.moving && to.round+1 < p.cfg.Rounds:
		to = search{next: env.Now.UnixNano() + int64(p.cfg.RoundPause), round: to.round + 1}
		p.change.acks = acks
	default:
		p.change.end = u
		return p.decline(env, u, clientv1.Code_CODE_SOLD_OUT, "", acks, out)
	}
	p.change.search(u, to)
	return nil
}

// decideHoldQuery says what became of an order. One that is not known is
// declined for good: whoever still sends it will be told.
func (p *player) decideHoldQuery(env *actors.Env, from actors.Ref, m *clusterv1.HoldQuery, out *actors.Decision) error {
	outcome := p.outcome(from, m.GetRequest())
	if outcome == clusterv1.HoldOutcome_HOLD_OUTCOME_UNSPECIFIED {
		floor := p.floor(m.GetRequest())
		watermark, ok := p.table.room(m.GetRequest(), true, p.cfg.Orders, floor)
		if !ok || !p.table.admits(m.GetRequest(), true, len(p.pending), p.cfg.Orders, floor) {
			return nil // it will ask again
		}
		sku, _, err := stock.ParseID(from.ID)
		if err != nil {
			return err
		}
		e := p.newEvent(nil)
		e.Change = &journalv1.PlayerEvent_Declined{Declined: &journalv1.PurchaseDeclined{
			Request: m.GetRequest(), Sku: string(sku), Code: int32(clientv1.Code_CODE_EXPIRED_REQUEST), At: env.Now.UnixNano(),
		}}
		e.Watermark = watermark
		out.Event(e)
		outcome = clusterv1.HoldOutcome_HOLD_OUTCOME_DECLINED
	}
	out.Send(from, &clusterv1.HoldVerdict{Request: m.GetRequest(), Outcome: outcome, Watermark: p.table.watermark})
	return nil
}

// outcome says what became of an order for which a slice holds units;
// UNSPECIFIED if it is not known.
func (p *player) outcome(slice actors.Ref, request uint64) clusterv1.HoldOutcome {
	if request <= p.table.watermark {
		return clusterv1.HoldOutcome_HOLD_OUTCOME_CLOSED
	}
	if p.under(request) != nil {
		return clusterv1.HoldOutcome_HOLD_OUTCOME_PENDING
	}
	o := p.table.find(request)
	switch {
	case o == nil:
		return clusterv1.HoldOutcome_HOLD_OUTCOME_UNSPECIFIED
	case !o.granted():
		return clusterv1.HoldOutcome_HOLD_OUTCOME_DECLINED
	case stock.Ref(o.sku, o.slice) == slice:
		return clusterv1.HoldOutcome_HOLD_OUTCOME_COMPLETED_HERE
	}
	return clusterv1.HoldOutcome_HOLD_OUTCOME_COMPLETED_ELSEWHERE
}

// receipt is the answer to a completed purchase. It says granted, as it did the
// first time, whatever the order has come to since.
func (p *player) receipt(o *order) *clientv1.Bought {
	var all struct { // one allocation
		bought clientv1.Bought
		order  clientv1.Order
		at     timestamppb.Timestamp
	}
	p.show(o, &all.order, &all.at)
	all.order.State = clientv1.OrderState_ORDER_STATE_GRANTED
	all.bought.Order, all.bought.Balance = &all.order, o.balance
	return &all.bought
}
