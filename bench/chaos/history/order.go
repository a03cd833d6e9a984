package history

import (
	"cmp"
	"slices"
	"time"
)

// sweep walks purchases in the order in which the log has them, and finds those
// that were answered before one that stands in front of them was sent. Of all in
// front, the one sent last is the one to compare with, so it need not keep the
// others.
type sweep struct {
	latest time.Duration // the last invocation so far
	who    order
}

// order names a purchase. Its player is nil for none.
type order struct {
	player  *player
	request uint64
}

// String is the order in words.
func (o order) String() string {
	return orderName(o.player.name, o.request) + " (" + o.player.find(o.request).span() + ")"
}

// moment is an event of a purchase that happened while it was under way.
type moment struct {
	order
	invoke, settled time.Duration
}

// pass adds the next event. It returns the purchase that contradicts it, if
// there is one.
func (s *sweep) pass(m moment) (other order, wrong bool) {
	if s.who.player != nil && m.settled < s.latest {
		other, wrong = s.who, true
	}
	if s.who.player == nil || m.invoke > s.latest {
		s.latest, s.who = m.invoke, m.order
	}
	return other, wrong
}

// orderAudit is the check of real-time order: if one purchase was answered
// before another was sent, the log has them in that order, as far as it orders
// them at all: the events of one player, the reservations of one slice, the
// entries of one log, the epochs of one shard.
type orderAudit struct {
	result *Result
	logs   []sweep
	shards map[ownership]*interval
}

// interval is what is known of the events of one ownership: the last of them
// was sent at latest or after, the first over at earliest.
type interval struct {
	shard       uint32
	epoch       uint64
	latest      sweep
	earliest    time.Duration
	earliestWho order
}

func newOrderAudit(r *Result) *orderAudit {
	r.Unit = "pairs of neighbours"
	return &orderAudit{result: r, shards: make(map[ownership]*interval)}
}

// take looks at an event of a purchase that a client asked for, in the order of
// its log. final says that it is the one that the answer waited for.
func (a *orderAudit) take(r *Record, at place, p *player, b *purchase, final bool) {
	m := moment{order: order{p, b.request}, invoke: b.invoke, settled: never}
	if final {
		m.settled = b.settled
	}
	for int(at.log) >= len(a.logs) {
		a.logs = append(a.logs, sweep{})
	}
	a.result.Checked++
	if other, wrong := a.logs[at.log].pass(m); wrong {
		a.result.violated("log %s entry %d: %s stands behind %s, though it was answered before that was sent", r.Log, r.Entry, m.order, other)
	}
	key := ownership{r.Shard, r.Epoch}
	own := a.shards[key]
	if own == nil {
		own = &interval{earliest: never, shard: r.Shard, epoch: r.Epoch}
		a.shards[key] = own
	}
	own.latest.pass(moment{order: m.order, invoke: m.invoke, settled: never})
	if m.settled < own.earliest {
		own.earliest, own.earliestWho = m.settled, m.order
	}
}

// finish compares what several logs order together.
func (a *orderAudit) finish(e *evidence) {
	owns := make([]*interval, 0, len(a.shards))
	for _, own := range a.shards {
		owns = append(owns, own)
	}
	slices.SortFunc(owns, func(x, y *interval) int {
		return cmp.Or(cmp.Compare(x.shard, y.shard), cmp.Compare(x.epoch, y.epoch))
	})
	var before sweep
	for i, own := range owns {
		if i == 0 || owns[i-1].shard != own.shard {
			before = sweep{}
		}
		a.result.Checked++
		if before.who.player != nil && own.earliest < before.latest {
			a.result.violated("shard %d: %s is of epoch %d, though it was answered before %s of an earlier epoch was sent",
				own.shard, own.earliestWho, own.epoch, before.who)
		}
		before.pass(moment{order: own.latest.who, invoke: own.latest.latest, settled: never})
	}
	for _, p := range e.players {
		a.player(p)
	}
	for _, s := range e.slices {
		a.slice(e, s)
	}
}

// player checks the order of one player's events.
func (a *orderAudit) player(p *player) {
	logged := make([]*purchase, 0, len(p.purchases))
	for i := range p.purchases {
		if b := &p.purchases[i]; b.seq > 0 && b.asked {
			logged = append(logged, b)
		}
	}
	slices.SortStableFunc(logged, func(x, y *purchase) int { return cmp.Compare(x.seq, y.seq) })
	var s sweep
	for _, b := range logged {
		a.result.Checked++
		m := moment{order{p, b.request}, b.invoke, b.settled}
		if other, wrong := s.pass(m); wrong {
			a.result.violated("player %s: event %d is of %s, which was answered before %s, of an earlier event, was sent", p.name, b.seq, m.order, other)
		}
	}
}

// slice checks the order of one slice's reservations. That of a purchase that
// was completed there, the first, was made before the answer.
func (a *orderAudit) slice(e *evidence, sl *slice) {
	var s sweep
	type key struct {
		player  uint32
		request uint64
	}
	reserved := make(map[key]bool)
	for i := range sl.events {
		ev := &sl.events[i]
		if ev.kind != reserve {
			continue
		}
		p := e.players[ev.player]
		b := p.find(ev.request)
		if b == nil || !b.asked {
			continue
		}
		m := moment{order: order{p, b.request}, invoke: b.invoke, settled: never}
		if k := (key{ev.player, ev.request}); b.completed > 0 && b.loggedSKU == sl.sku && b.loggedSlice == sl.index && !reserved[k] {
			reserved[k] = true
			m.settled = b.settled
		}
		a.result.Checked++
		if other, wrong := s.pass(m); wrong {
			a.result.violated("slice %s: event %d reserves for %s, which was answered before %s, of an earlier event, was sent",
				sl.name, ev.seq, m.order, other)
		}
	}
}
