package sim

import "time"

// event is something that will happen.
type event struct {
	at    time.Duration
	order uint64 // of two at one moment, the one that was planned first
	fn    func()
	// on is the process that it happens in; nil: outside. A process that stands
	// still lets it wait.
	on *process
	// of is the life that it belongs to and ends with; nil: to none.
	of *life
	// timer, if any, can still take it back.
	timer *timer
}

func (e *event) before(o *event) bool {
	return e.at < o.at || e.at == o.at && e.order < o.order
}

// timer is a handle of an event.
type timer struct{ stopped bool }

// stop takes the event back. A nil timer has none.
func (t *timer) stop() {
	if t != nil {
		t.stopped = true
	}
}

// queue is a heap of events, the next one first.
type queue []event

func (q *queue) push(e event) {
	h := append(*q, e)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !h[i].before(&h[up]) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
	*q = h
}

func (q *queue) pop() event {
	h := *q
	next := h[0]
	last := len(h) - 1
	h[0], h[last] = h[last], event{}
	h = h[:last]
	for i := 0; ; {
		least := i
		for _, down := range [2]int{2*i + 1, 2*i + 2} {
			if down < last && h[down].before(&h[least]) {
				least = down
			}
		}
		if least == i {
			break
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
	*q = h
	return next
}
