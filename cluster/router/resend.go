package router

import (
	"context"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
)

// run looks after the calls that are not answered at once. It is the router's
// only goroutine.
func (r *Router) run(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	changed := r.routes.Changed()
	var due []due // reused
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
			// Before looking: a change that comes while we look must be seen.
			changed = r.routes.Changed()
		case <-ticker.C:
			r.cfg.Metrics.pending.Set(float64(r.pending.Load()))
		}
		now := time.Since(r.began)
		for i := range r.tables {
			due = r.look(&r.tables[i], now, due[:0])
			for j := range due {
				r.act(&due[j])
			}
			clear(due)
		}
	}
}

// due is what must be done about one call, once no lock is held.
type due struct {
	cmd    *cluster.Command
	to     cluster.Address
	waiter Waiter // set: the call is given up
	reason string
}

func (r *Router) act(d *due) {
	if d.waiter != nil {
		r.giveUp(d.waiter, d.cmd.Call, d.reason, "the owner of the actor did not answer in time")
		return
	}
	r.cfg.Metrics.resent.WithLabelValues(d.reason).Inc()
	r.mesh.SendCommand(d.to, d.cmd)
}

// look goes through one table and returns, appended to list, what is due.
func (r *Router) look(t *table, now time.Duration, list []due) []due {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, c := range t.calls {
		if now >= c.deadline {
			delete(t.calls, id)
			r.pending.Add(-1)
			list = append(list, due{cmd: c.cmd, waiter: c.waiter, reason: givenDeadline})
			continue
		}
		reason := ""
		late := now >= c.next
		if late && c.silent {
			// What a node said about this shard has led nowhere: back to the routes.
			r.hints[c.cmd.Shard].Store(nil)
		}
		owner := r.owner(c.cmd.Shard)
		switch {
		case owner.Owned() && owner.Epoch > c.asked:
			reason = resentRoute
			c.pause = 0
		case late && c.silent:
			reason = resentSilence
		case late:
			reason = resentNotOwner
		default:
			continue
		}
		c.asked, c.next, c.silent = owner.Epoch, now+r.cfg.Resend, true
		t.calls[id] = c
		if owner.Owned() {
			list = append(list, due{cmd: c.cmd, to: owner.Address, reason: reason})
		}
	}
	return list
}
