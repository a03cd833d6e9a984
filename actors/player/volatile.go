package player

import (
	"time"

	"github.com/holdfast-game/holdfast/actors"
)

// change is what a decision does to volatile state.
type change struct {
	begin   *purchase // is under way now
	join    *purchase // waiter waits for it too
	waiter  actors.ReplyTo
	end     *purchase // is not under way any more ...
	stocked bool      // ... because its slice had stock

	// Purchases that look for stock from here on, each as the search says.
	searching []searching

	acks      []uint64 // orders that their slices have acknowledged
	confirmed []uint64 // orders that their slices were told of ...
	at        int64    // ... now
	looked    bool     // all that was unconfirmed
}

type searching struct {
	purchase *purchase
	to       search
}

func (c *change) reset() {
	clear(c.searching)
	*c = change{searching: c.searching[:0], confirmed: c.confirmed[:0]}
}

func (c *change) search(u *purchase, to search) {
	c.searching = append(c.searching, searching{purchase: u, to: to})
}

func (c *change) confirm(requests []uint64, now time.Time) {
	c.confirmed = append(c.confirmed, requests...)
	c.at = now.UnixNano()
}

// ApplyVolatile implements actors.Volatile.
func (p *player) ApplyVolatile(v any) {
	c := v.(*change)
	if c.begin != nil {
		p.begin(c.begin)
	}
	if u := c.join; u != nil {
		if len(u.waiters) == maxWaiters {
			u.waiters = append(u.waiters[:0], u.waiters[1:]...)
		}
		u.waiters = append(u.waiters, c.waiter)
	}
	for _, s := range c.searching {
		if s.to.ref != s.purchase.ref {
			p.forget(s.purchase.sku, s.purchase.slice)
		}
		s.purchase.search = s.to
	}
	if u := c.end; u != nil {
		p.end(u)
		if c.stocked {
			p.remember(u.sku, u.slice)
		} else {
			p.forget(u.sku, u.slice)
		}
	}
	for _, n := range c.confirmed {
		if o := p.table.find(n); o != nil {
			o.confirmed = c.at
		}
	}
	for _, n := range c.acks {
		if o := p.table.find(n); o != nil && !o.acked {
			o.acked = true
			p.acks = append(p.acks, n)
		}
	}
	if c.looked {
		p.confirmAt = 0
		if p.table.unacked > 0 {
			p.confirmAt = c.at + int64(p.cfg.ConfirmAfter)
		}
	}
}

// Busy implements actors.Volatile.
func (p *player) Busy() bool { return len(p.pending) > 0 || len(p.acks) > 0 }

// NextTimer implements actors.Timed.
func (p *player) NextTimer() (time.Time, bool) {
	next := p.confirmAt
	for _, u := range p.pending {
		if next == 0 || u.next < next {
			next = u.next
		}
	}
	return time.Unix(0, next), next != 0
}

// decideTimer asks slices again that have not answered, begins the next round
// of searches, and settles what is unconfirmed.
func (p *player) decideTimer(env *actors.Env, out *actors.Decision) error {
	for _, u := range p.pending {
		if !passed(env.Now, u.next) {
			continue
		}
		to := u.search
		if to.ref.ID == "" {
			slice, ref, ok := p.choose(env, u, &to.tried)
			if !ok {
				continue
			}
			to.slice, to.ref = slice, ref
		}
		to.next = env.Now.UnixNano() + int64(p.cfg.Resend)
		p.change.search(u, to)
		p.ask(env, u, to.ref, to.slice, out)
	}
	if p.confirmAt == 0 || !passed(env.Now, p.confirmAt) {
		return nil
	}
	p.change.looked, p.change.at = true, env.Now.UnixNano()
	p.confirmAll(env.Now, out)
	if len(p.acks) > 0 {
		out.Event(p.newEvent(nil))
	}
	return nil
}
