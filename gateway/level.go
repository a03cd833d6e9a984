package gateway

import clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"

// watched is one SKU that one session watches.
type watched struct {
	sku   string
	topic *topic
	queue *queue

	// Guarded by topic.mu.
	told clientv1.StockState // the state that the client was told last
	held int                 // Watching replies under way: they tell it

	// Guarded by queue.mu.
	level *event // the newest that is not written, nil when it is
}

// stockLevel is the level now. The caller holds mu.
func (t *topic) stockLevel() *clientv1.StockLevel {
	return &clientv1.StockLevel{Sku: t.sku, Free: max(t.free, 0), State: t.state}
}

// tell pushes the level to every viewer that was told another state. The
// caller holds mu.
func (t *topic) tell() {
	var l *event
	for w := range t.viewers {
		if w.held > 0 || w.told == t.state {
			continue
		}
		if l == nil {
			var err error
			if l, err = newEvent(&clientv1.ServerFrame{Body: &clientv1.ServerFrame_Stock{Stock: t.stockLevel()}}); err != nil {
				t.b.log.Error("encode stock level", "sku", t.sku, "error", err)
				return
			}
		}
		w.told = t.state
		w.queue.level(w, l)
	}
}

// hold keeps events from w until release, because a Watching reply is going to
// tell the level.
func (t *topic) hold(w *watched) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w.held++
}

// look returns the level, and takes the viewer as told.
func (t *topic) look(w *watched) *clientv1.StockLevel {
	t.mu.Lock()
	defer t.mu.Unlock()
	w.told = t.state
	return t.stockLevel()
}

// release lets events through again. What happened after look is told now.
func (t *topic) release(w *watched) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w.held--
	if _, viewing := t.viewers[w]; viewing {
		t.tell()
	}
}

// await calls fn when the level is known: now, or from another goroutine.
func (t *topic) await(fn func()) {
	t.mu.Lock()
	known := t.unknown == 0
	if !known {
		t.whenKnown = append(t.whenKnown, fn)
	}
	t.mu.Unlock()
	if known {
		fn()
	}
}
