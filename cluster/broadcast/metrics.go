package broadcast

import "github.com/prometheus/client_golang/prometheus"

// Metrics are the package's Prometheus metrics.
type Metrics struct {
	published     prometheus.Counter
	failed        prometheus.Counter
	received      prometheus.Counter
	dropped       prometheus.Counter
	subscriptions prometheus.Gauge
}

// NewMetrics registers the metrics with reg, unless that is nil.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		published: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "holdfast_broadcast_published_total", Help: "Broadcasts given to NATS.",
		}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "holdfast_broadcast_failed_total", Help: "Broadcasts that NATS did not take.",
		}),
		received: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "holdfast_broadcast_received_total", Help: "Broadcasts given to handlers.",
		}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "holdfast_broadcast_dropped_total",
			Help: "Broadcasts dropped because a handler was too slow, counted when its subscription ends.",
		}),
		subscriptions: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "holdfast_broadcast_subscriptions", Help: "Subscriptions now.",
		}),
	}
	if reg != nil {
		reg.MustRegister(m.published, m.failed, m.received, m.dropped, m.subscriptions)
	}
	return m
}
