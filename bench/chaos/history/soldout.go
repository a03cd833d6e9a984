package history

import (
	"cmp"
	"slices"
	"time"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// soldOutSlack is how long before a purchase was sent a slice may have been
// empty for it to be told so: slices remember of each other for a second that
// nothing was left, and learn it from messages that a fault may have delayed.
const soldOutSlack = 10 * time.Second

// stretch is a time in which a slice had enough.
type stretch struct {
	from, to time.Duration // of the run
}

// checkSoldOut looks for purchases that were told SOLD_OUT while some slice had
// enough from well before they were sent until they were answered: that slice
// cannot have been asked. More is not promised.
//
// What a slice had at a time is known from below: the events that take units out
// say when they were decided, and one that puts some in, and does not say when,
// counts from the next that does.
func (e *evidence) checkSoldOut(r *Result, begin time.Time) {
	r.Unit = "refusals"
	enough := make(map[sliceKey]map[int64][]stretch)
	byProduct := make(map[uint32][]*slice)
	for _, s := range e.slices {
		byProduct[s.sku] = append(byProduct[s.sku], s)
		enough[s.sliceKey] = make(map[int64][]stretch)
	}
	for _, p := range e.players {
		for i := range p.purchases {
			b := &p.purchases[i]
			if b.outcome != refused || b.code != clientv1.Code_CODE_SOLD_OUT {
				continue
			}
			r.Checked++
			for _, s := range byProduct[b.sku] {
				times, known := enough[s.sliceKey][b.quantity]
				if !known {
					times = s.enough(b.quantity, begin)
					enough[s.sliceKey][b.quantity] = times
				}
				if during(times, b.invoke-soldOutSlack, b.settled) {
					r.violated("%s was told SOLD_OUT, and slice %s had %d all the time, from %s before", order{p, b.request}, s.name, b.quantity, soldOutSlack)
				}
			}
		}
	}
}

// enough lists when a slice had so many units free, or more, for certain.
func (s *slice) enough(quantity int64, begin time.Time) (times []stretch) {
	var free int64
	var now time.Duration // of the latest event that says when
	holds := make(map[orderKey]int64)
	since := never
	for i := range s.events {
		e := &s.events[i]
		key := orderKey{e.player, e.request}
		switch e.kind {
		case reserve:
			free -= e.amount
			holds[key] = e.amount
		case sell:
			delete(holds, key)
		case release:
			free += holds[key]
			delete(holds, key)
		case lend:
			free -= e.amount
		case receive, restock:
			free += e.amount
		}
		if e.at != 0 {
			now = max(now, time.Unix(0, e.at).Sub(begin))
		}
		switch has := free >= quantity; {
		case has && since == never && e.at != 0:
			since = now
		case !has && since != never:
			times = append(times, stretch{since, now})
			since = never
		}
	}
	if since != never {
		times = append(times, stretch{since, never})
	}
	return times
}

// during says whether one of the stretches lasted from one time to another.
func during(times []stretch, from, to time.Duration) bool {
	i, found := slices.BinarySearchFunc(times, from, func(s stretch, t time.Duration) int { return cmp.Compare(s.from, t) })
	if !found {
		i--
	}
	return i >= 0 && times[i].from <= from && times[i].to > to
}
