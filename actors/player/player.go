package player

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/requests"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// player is one player.
type player struct {
	cfg *Config
	id  actors.PlayerID

	// Journaled.
	opened    bool
	wallet    wallet // until the first event, what Config.Start says
	items     backpack
	table     table
	grants    requests.IDs
	completed uint64 // orders, ever
	digest    uint64 // wrapping sum of their OrderDigests

	// Volatile.
	pending   []*purchase // by number, ascending
	acks      []uint64    // orders acknowledged since the last event
	confirmAt int64       // when to look for what is unconfirmed; 0: all is
	stocked   []stocked   // where there was stock last; the latest last

	// Used over and over by Decide, whose results the host does not keep.
	change  change
	event   journalv1.PlayerEvent
	bought  journalv1.PurchaseCompleted
	wrapped journalv1.PlayerEvent_Completed
}

func newPlayer(cfg *Config, start wallet, id string) *player {
	return &player{cfg: cfg, id: actors.PlayerID(id), wallet: append(wallet(nil), start...)}
}

// Decide implements actors.Behaviour.
func (p *player) Decide(env *actors.Env, msg *actors.Message, out *actors.Decision) error {
	p.change.reset()
	out.Volatile = &p.change
	if msg.Timer {
		return p.decideTimer(env, out)
	}
	switch body := msg.Body.(type) {
	case *clientv1.Buy:
		return p.decideBuy(env, msg, body, out)
	case *clusterv1.Reserved:
		return p.decideReserved(env, msg.From, body, out)
	case *clusterv1.SoldOut:
		return p.decideSoldOut(env, msg.From, body, out)
	case *clusterv1.Confirmed:
		p.change.acks = p.news(body.GetRequests())
		return nil
	case *clusterv1.HoldQuery:
		return p.decideHoldQuery(env, msg.From, body, out)
	case *clientv1.GetPlayer:
		out.Reply(msg.ReplyTo, p.view())
		return nil
	case *clusterv1.Attach:
		out.Reply(msg.ReplyTo, &clusterv1.Attached{NextRequest: p.nextRequest()})
		return nil
	case *clusterv1.Grant:
		return p.decideGrant(env, msg, body, out)
	}
	return fmt.Errorf("player %s: unexpected message %T", p.id, msg.Body)
}

// newEvent begins the one event of a decision. Every event takes along what the
// slices have acknowledged meanwhile.
func (p *player) newEvent(acks []uint64) *journalv1.PlayerEvent {
	e := &p.event
	e.Opening, e.Change, e.Watermark = nil, nil, 0
	e.Acknowledged = append(append(e.Acknowledged[:0], p.acks...), acks...)
	if !p.opened {
		e.Opening = p.wallet.opening()
	}
	return e
}

// Apply implements actors.Behaviour.
func (p *player) Apply(event proto.Message) error {
	e, ok := event.(*journalv1.PlayerEvent)
	if !ok {
		return fmt.Errorf("apply %T to player %s: not an event of this kind", event, p.id)
	}
	if err := p.apply(e); err != nil {
		return fmt.Errorf("apply to player %s: %w", p.id, err)
	}
	return nil
}

func (p *player) apply(e *journalv1.PlayerEvent) error {
	if e.GetOpening() != nil {
		if err := p.applyOpening(e.GetOpening()); err != nil {
			return err
		}
	}
	if err := p.applyAcknowledged(e.GetAcknowledged()); err != nil {
		return err
	}
	var err error
	switch c := e.GetChange().(type) {
	case nil:
	case *journalv1.PlayerEvent_Completed:
		err = p.applyCompleted(c.Completed)
	case *journalv1.PlayerEvent_Declined:
		err = p.applyDeclined(c.Declined)
	case *journalv1.PlayerEvent_Granted:
		err = p.applyGranted(c.Granted)
	default:
		err = fmt.Errorf("unknown change %T", c)
	}
	if err != nil {
		return err
	}
	return p.table.raise(e.GetWatermark())
}

func (p *player) applyOpening(e *journalv1.PlayerOpening) error {
	if p.opened {
		return fmt.Errorf("open: is open already")
	}
	p.opened = true
	p.wallet = p.wallet[:0]
	for _, a := range e.GetWallet() {
		if a.GetAmount() < 0 {
			return fmt.Errorf("open: a wallet of %d %s", a.GetAmount(), a.GetCurrency())
		}
		purse := p.wallet.purse(a.GetCurrency())
		purse.balance, purse.funded = a.GetAmount(), a.GetAmount()
	}
	return nil
}

func (p *player) applyCompleted(e *journalv1.PurchaseCompleted) error {
	purse := p.wallet.purse(e.GetCurrency())
	it := p.items.item(actors.SKU(e.GetSku()))
	o := order{
		request: e.GetRequest(), contents: e.GetContents(), any: true,
		sku: it.sku, slice: e.GetSlice(), state: clientv1.OrderState_ORDER_STATE_CREATED,
		quantity: e.GetQuantity(), price: e.GetPrice(), currency: purse.currency, at: e.GetAt(),
	}
	if o.quantity <= 0 {
		return fmt.Errorf("complete order %d: %d units", o.request, o.quantity)
	}
	if err := purse.debit(o.price); err != nil {
		return fmt.Errorf("complete order %d: %w", o.request, err)
	}
	o.balance = purse.balance
	it.quantity += o.quantity
	it.bought += o.quantity
	if err := o.move(clientv1.OrderState_ORDER_STATE_PAID, clientv1.OrderState_ORDER_STATE_GRANTED); err != nil {
		return err
	}
	if err := p.table.insert(o); err != nil {
		return fmt.Errorf("complete: %w", err)
	}
	p.table.unacked++
	p.completed++
	p.digest += OrderDigest(p.id, o.request)
	if p.confirmAt == 0 {
		p.confirmAt = o.at + int64(p.cfg.ConfirmAfter)
	}
	return nil
}

func (p *player) applyDeclined(e *journalv1.PurchaseDeclined) error {
	o := order{
		request: e.GetRequest(), contents: e.GetContents(), any: e.Contents != nil,
		sku: actors.SKU(e.GetSku()), state: clientv1.OrderState_ORDER_STATE_CREATED,
		quantity: e.GetQuantity(), at: e.GetAt(), code: clientv1.Code(e.GetCode()), text: e.GetText(),
	}
	if err := o.move(clientv1.OrderState_ORDER_STATE_CANCELLED); err != nil {
		return err
	}
	if err := p.table.insert(o); err != nil {
		return fmt.Errorf("decline: %w", err)
	}
	return nil
}

// Accounts implements actors.Accountant.
func (p *player) Accounts(add func(account string, amount int64)) {
	if !p.opened {
		return
	}
	for _, it := range p.items {
		add("player/"+string(it.sku)+"/granted", it.bought)
	}
	for i := range p.table.orders {
		if o := &p.table.orders[i]; o.state == clientv1.OrderState_ORDER_STATE_GRANTED {
			add("player/"+string(o.sku)+"/unconfirmed", o.quantity)
		}
	}
	for _, c := range p.wallet {
		add("player/spent/"+c.currency, c.funded-c.balance)
		add("player/priced/"+c.currency, c.priced)
	}
	add("player/orders/completed", int64(p.completed))
	add("player/orders/digest", int64(p.digest))
}

// passed says whether a moment in Unix nanoseconds has come. Timers may run
// early by a rounding of the host's.
func passed(now time.Time, at int64) bool {
	return now.UnixNano()+int64(time.Millisecond) > at
}
