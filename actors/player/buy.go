package player

import (
	"math"
	"strconv"
	"time"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/requests"
	"github.com/holdfast-game/holdfast/actors/stock"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// maxQuantity is how many units one order may be for.
const maxQuantity = 1000

// maxAhead is how far a request number may run ahead of the watermark, so that
// one wild number does not use up all others.
const maxAhead = 1 << 32

// busyPause is when to try again after OVERLOADED. Acknowledgements, which make
// room, take about as long at most.
const busyPause = 500 * time.Millisecond

// decideBuy answers a client that wants to buy.
func (p *player) decideBuy(env *actors.Env, msg *actors.Message, m *clientv1.Buy, out *actors.Decision) error {
	n := m.GetRequest()
	switch {
	case n == 0:
		return invalid("request: must be numbered from 1")
	case msg.Request != 0 && msg.Request != n:
		return invalid("request: the numbers of the call and of its contents differ")
	case m.GetQuantity() < 1 || m.GetQuantity() > maxQuantity:
		return invalid("quantity: must be 1 to 1000")
	case m.GetMaxPrice() < 0:
		return invalid("max_price: must not be negative")
	case m.GetSku() == "" || len(m.GetSku()) > maxName:
		return invalid("sku: must have 1 to 64 bytes")
	case n <= p.table.watermark:
		return &actors.Refusal{Code: clientv1.Code_CODE_EXPIRED_REQUEST, Text: "the request was closed long ago; its answer is forgotten"}
	}
	contents := buyContents(m)
	if o := p.table.find(n); o != nil {
		if o.any && o.contents != contents {
			return reused()
		}
		p.answer(msg.ReplyTo, o, out)
		return nil
	}
	if u := p.under(n); u != nil {
		if u.contents != contents {
			return reused()
		}
		p.join(u, msg.ReplyTo, out)
		return nil
	}
	if n > p.table.watermark+maxAhead {
		return invalid("request: too far ahead of the player's other requests")
	}
	if len(p.pending) >= maxPending || !p.table.admits(n, false, len(p.pending), p.cfg.Orders, p.floor(n)) {
		return &actors.Refusal{Code: clientv1.Code_CODE_OVERLOADED, Text: "too many requests of this player are unfinished", RetryAfter: busyPause}
	}
	return p.evaluate(env, msg, m, contents, out)
}

// evaluate refuses a new request, for ever, or begins its purchase.
func (p *player) evaluate(env *actors.Env, msg *actors.Message, m *clientv1.Buy, contents uint64, out *actors.Decision) error {
	u := &purchase{
		request: m.GetRequest(), contents: contents, sku: actors.SKU(m.GetSku()), quantity: m.GetQuantity(), at: env.Now.UnixNano(),
	}
	u.waiters = append(u.first[:0], msg.ReplyTo)
	product, ok := p.cfg.Catalog.Product(u.sku)
	if !ok {
		return p.decline(env, u, clientv1.Code_CODE_NOT_FOUND, "", nil, out)
	}
	price := product.GetPrice()
	if price > math.MaxInt64/u.quantity {
		return invalid("quantity: no wallet can hold the price")
	}
	// The catalog's own string lives anyway.
	u.sku, u.currency, u.price = actors.SKU(product.GetSku()), product.GetCurrency(), price*u.quantity
	u.slices = min(product.GetSlices(), stock.MaxSlices)
	switch {
	case price < 0, !onSale(product, env.Now):
		return p.decline(env, u, clientv1.Code_CODE_NOT_ON_SALE, "", nil, out)
	case m.GetMaxPrice() > 0 && price > m.GetMaxPrice():
		return p.decline(env, u, clientv1.Code_CODE_PRICE_CHANGED, "the price is now "+strconv.FormatInt(price, 10)+" "+u.currency, nil, out)
	case product.GetLimitPerPlayer() > 0 && p.items.bought(u.sku)+p.wanted(u.sku)+u.quantity > product.GetLimitPerPlayer():
		return p.decline(env, u, clientv1.Code_CODE_LIMIT_REACHED, "", nil, out)
	case p.wallet.balance(u.currency)-p.setAside(u.currency) < u.price:
		return p.decline(env, u, clientv1.Code_CODE_INSUFFICIENT_FUNDS, "", nil, out)
	}
	slice, ref, ok := p.choose(env, u, &u.tried)
	if !ok {
		return p.decline(env, u, clientv1.Code_CODE_SOLD_OUT, "", nil, out)
	}
	u.slice, u.ref, u.next = slice, ref, u.at+int64(p.cfg.Resend)
	p.change.begin = u
	p.ask(env, u, ref, slice, out)
	return nil
}

func onSale(product *clusterv1.Product, now time.Time) bool {
	if s := product.GetSaleStart(); s != nil && now.Before(s.AsTime()) {
		return false
	}
	e := product.GetSaleEnd()
	return e == nil || now.Before(e.AsTime())
}

// ask asks a slice to reserve, and confirms earlier orders to it by the way.
func (p *player) ask(env *actors.Env, u *purchase, ref actors.Ref, slice uint32, out *actors.Decision) {
	confirmed := p.unconfirmed(env.Now, u.sku, slice)
	p.change.confirm(confirmed, env.Now)
	out.Send(ref, &clusterv1.Reserve{
		Request: u.request, Quantity: u.quantity, Watermark: p.table.watermark, Confirmed: confirmed,
	})
}

// decline refuses a request for good, and tells everybody who waits.
func (p *player) decline(env *actors.Env, u *purchase, code clientv1.Code, text string, acks []uint64, out *actors.Decision) error {
	watermark, ok := p.table.room(u.request, true, p.cfg.Orders, p.floor(u.request))
	if !ok {
		return &actors.Refusal{Code: clientv1.Code_CODE_OVERLOADED, Text: "too many requests of this player are unfinished", RetryAfter: busyPause}
	}
	e := p.newEvent(acks)
	e.Change = &journalv1.PlayerEvent_Declined{Declined: &journalv1.PurchaseDeclined{
		Request: u.request, Contents: &u.contents, Sku: string(u.sku), Quantity: u.quantity,
		Code: int32(code), Text: text, At: env.Now.UnixNano(),
	}}
	e.Watermark = watermark
	out.Event(e)
	o := order{code: code, text: text}
	for _, w := range u.waiters {
		out.Refuse(w, o.refusal())
	}
	return nil
}

// join lets a copy of a request under way wait for the same answer.
func (p *player) join(u *purchase, w actors.ReplyTo, out *actors.Decision) {
	if w == nil {
		return
	}
	if len(u.waiters) == maxWaiters {
		out.Refuse(u.waiters[0], &actors.Refusal{Code: clientv1.Code_CODE_OVERLOADED, Text: "too many copies of this request wait", RetryAfter: busyPause})
	}
	p.change.join, p.change.waiter = u, w
}

// answer answers a copy of a request as the request was answered.
func (p *player) answer(w actors.ReplyTo, o *order, out *actors.Decision) {
	if o.state == clientv1.OrderState_ORDER_STATE_CANCELLED {
		out.Refuse(w, o.refusal())
		return
	}
	out.Reply(w, p.receipt(o))
}

// buyContents sums up a request, to tell its copies.
func buyContents(m *clientv1.Buy) uint64 {
	d := requests.NewDigest()
	d.String(m.GetSku())
	d.Int(m.GetQuantity())
	d.Int(m.GetMaxPrice())
	return d.Sum()
}

func invalid(text string) error {
	return &actors.Refusal{Code: clientv1.Code_CODE_INVALID_ARGUMENT, Text: text}
}

func reused() error { return invalid("request: the number " + requests.ErrReused.Error()) }
