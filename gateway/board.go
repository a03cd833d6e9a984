package gateway

import (
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Subscriber is the cluster's broadcast bus.
type Subscriber interface {
	// Subscribe calls fn with each message on the topic, one at a time, until
	// unsubscribed. unsubscribe does not wait for a call that is under way.
	Subscribe(topic string, fn func([]byte)) (unsubscribe func(), err error)
}

// board shows stock levels to the sessions that watch them. However many watch
// a SKU, it has one subscription and one question to each slice.
type board struct {
	router  Router
	bus     Subscriber
	catalog func() Catalog
	refresh time.Duration
	log     *slog.Logger
	open    prometheus.Gauge

	mu     sync.Mutex
	topics map[string]*topic // those with a viewer
}

// join adds a viewer to a SKU. nil: there is no such product.
func (b *board) join(w *watched) *topic {
	b.mu.Lock()
	t, open := b.topics[w.sku]
	if !open {
		p, ok := b.catalog().Product(w.sku)
		if !ok {
			b.mu.Unlock()
			return nil
		}
		t = newTopic(b, w.sku, int(p.GetSlices()), p.GetLowStock())
		b.topics[w.sku] = t
		b.open.Inc()
	}
	t.add(w)
	b.mu.Unlock()
	if !open {
		t.start()
	}
	return t
}

// leave takes a viewer away, and closes the topic after the last.
func (b *board) leave(w *watched) {
	b.mu.Lock()
	last := w.topic.remove(w)
	if last {
		delete(b.topics, w.sku)
		b.open.Dec()
	}
	b.mu.Unlock()
	if last {
		w.topic.stop()
	}
}
