package player

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/stock"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// due says that a slice should be told of an order: it was not, or long ago.
func (p *player) due(o *order, now time.Time) bool {
	return o.state == clientv1.OrderState_ORDER_STATE_GRANTED && !o.acked &&
		(o.confirmed == 0 || passed(now, o.confirmed+int64(p.cfg.Resend)))
}

// unconfirmed lists the orders of which a slice should be told.
func (p *player) unconfirmed(now time.Time, sku actors.SKU, slice uint32) (requests []uint64) {
	left := p.table.unacked
	for i := len(p.table.orders) - 1; i >= 0 && left > 0; i-- { // they are the newest
		o := &p.table.orders[i]
		if o.state != clientv1.OrderState_ORDER_STATE_GRANTED {
			continue
		}
		left--
		if o.slice == slice && o.sku == sku && p.due(o, now) {
			requests = append(requests, o.request)
		}
	}
	return requests
}

// crowded says that so many orders are unconfirmed that waiting for the timer
// could fill the table.
func (p *player) crowded() bool { return p.table.unacked >= p.cfg.Orders/2 }

// confirmAll tells every slice of its orders, one message each.
func (p *player) confirmAll(now time.Time, out *actors.Decision) {
	told := len(out.Sends)
	for i := range p.table.orders {
		o := &p.table.orders[i]
		if !p.due(o, now) {
			continue
		}
		ref := stock.Ref(o.sku, o.slice)
		if slices.ContainsFunc(out.Sends[told:], func(s actors.Send) bool { return s.To == ref }) {
			continue
		}
		requests := p.unconfirmed(now, o.sku, o.slice)
		p.change.confirm(requests, now)
		out.Send(ref, &clusterv1.Confirm{Requests: requests, Watermark: p.table.watermark})
	}
}

// news keeps what an acknowledgement says that is new.
func (p *player) news(acked []uint64) []uint64 {
	fresh := func(n uint64) bool {
		o := p.table.find(n)
		return o != nil && o.state == clientv1.OrderState_ORDER_STATE_GRANTED && !o.acked
	}
	for i, n := range acked {
		if fresh(n) && !slices.Contains(acked[:i], n) {
			continue
		}
		var some []uint64 // a copy, since messages are not changed
		for _, n := range acked {
			if fresh(n) && !slices.Contains(some, n) {
				some = append(some, n)
			}
		}
		return some
	}
	return acked
}

func (p *player) applyAcknowledged(requests []uint64) error {
	for _, n := range requests {
		o := p.table.find(n)
		if o == nil {
			return fmt.Errorf("acknowledge order %d: not known", n)
		}
		if err := o.move(clientv1.OrderState_ORDER_STATE_COMPLETED); err != nil {
			return fmt.Errorf("acknowledge: %w", err)
		}
		o.acked = false
		p.table.unacked--
	}
	if p.table.unacked == 0 {
		p.confirmAt = 0
	}
	if len(p.acks) > 0 {
		p.acks = slices.DeleteFunc(p.acks, func(n uint64) bool { return slices.Contains(requests, n) })
	}
	return nil
}
