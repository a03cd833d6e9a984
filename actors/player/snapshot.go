package player

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// Snapshot implements actors.Behaviour.
func (p *player) Snapshot() proto.Message {
	if !p.opened {
		return new(journalv1.PlayerState)
	}
	st := &journalv1.PlayerState{
		Opened: true, Watermark: p.table.watermark, Grants: p.grants.Snapshot(),
		Completed: p.completed, Digest: p.digest,
	}
	for _, c := range p.wallet {
		st.Wallet = append(st.Wallet, &journalv1.Purse{
			Currency: c.currency, Balance: c.balance, Funded: c.funded, Priced: c.priced,
		})
	}
	for _, it := range p.items {
		st.Items = append(st.Items, &journalv1.PlayerItem{Sku: string(it.sku), Quantity: it.quantity, Bought: it.bought})
	}
	for i := range p.table.orders {
		o := &p.table.orders[i]
		so := &journalv1.PlayerOrder{
			Request: o.request, Sku: string(o.sku), Slice: o.slice,
			Quantity: o.quantity, Price: o.price, Currency: o.currency, State: int32(o.state),
			Code: int32(o.code), Text: o.text, Balance: o.balance, At: o.at,
		}
		if o.any {
			so.Contents = proto.Uint64(o.contents)
		}
		st.Orders = append(st.Orders, so)
	}
	return st
}

// Restore implements actors.Behaviour.
func (p *player) Restore(snapshot proto.Message) error {
	st, ok := snapshot.(*journalv1.PlayerState)
	if !ok {
		return fmt.Errorf("restore player %s: %T is not a state of this kind", p.id, snapshot)
	}
	if !st.GetOpened() {
		return nil
	}
	p.opened = true
	p.wallet = make(wallet, 0, len(st.GetWallet()))
	for _, c := range st.GetWallet() {
		*p.wallet.purse(c.GetCurrency()) = purse{
			currency: c.GetCurrency(), balance: c.GetBalance(), funded: c.GetFunded(), priced: c.GetPriced(),
		}
	}
	p.items = make(backpack, 0, len(st.GetItems()))
	for _, it := range st.GetItems() {
		*p.items.item(actors.SKU(it.GetSku())) = item{
			sku: actors.SKU(it.GetSku()), quantity: it.GetQuantity(), bought: it.GetBought(),
		}
	}
	p.table.watermark = st.GetWatermark()
	for _, so := range st.GetOrders() {
		if err := p.restoreOrder(so); err != nil {
			return fmt.Errorf("restore player %s: %w", p.id, err)
		}
	}
	p.grants.Restore(st.GetGrants())
	p.completed, p.digest = st.GetCompleted(), st.GetDigest()
	return nil
}

func (p *player) restoreOrder(so *journalv1.PlayerOrder) error {
	o := order{
		request: so.GetRequest(), contents: so.GetContents(), any: so.Contents != nil,
		sku: actors.SKU(so.GetSku()), slice: so.GetSlice(), state: clientv1.OrderState(so.GetState()),
		quantity: so.GetQuantity(), price: so.GetPrice(), currency: so.GetCurrency(), balance: so.GetBalance(),
		at: so.GetAt(), code: clientv1.Code(so.GetCode()), text: so.GetText(),
	}
	if o.state <= 0 || int(o.state) >= len(transitions) {
		return fmt.Errorf("order %d: state %d", o.request, o.state)
	}
	if o.granted() { // share the strings, of which there are few
		if i, ok := p.items.find(o.sku); ok {
			o.sku = p.items[i].sku
		}
		if i, ok := p.wallet.find(o.currency); ok {
			o.currency = p.wallet[i].currency
		}
	}
	if err := p.table.insert(o); err != nil {
		return err
	}
	if o.state == clientv1.OrderState_ORDER_STATE_GRANTED {
		p.table.unacked++
		if at := o.at + int64(p.cfg.ConfirmAfter); p.confirmAt == 0 || at < p.confirmAt {
			p.confirmAt = at
		}
	}
	return nil
}
