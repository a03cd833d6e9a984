package peer

import "github.com/prometheus/client_golang/prometheus"

// Metrics are the package's Prometheus metrics. Traffic within the node is not
// counted here.
type Metrics struct {
	sent     prometheus.Counter
	received *prometheus.CounterVec
	dropped  *prometheus.CounterVec
	refused  *prometheus.CounterVec
	links    prometheus.Gauge
	connects prometheus.Counter
	broken   prometheus.Counter
	batch    prometheus.Histogram
}

// Reasons for which an outgoing item is dropped.
const (
	dropFull     = "queue_full"
	dropStale    = "stale"
	dropBroken   = "stream_broken"
	dropStopped  = "stopped"
	dropTooLarge = "too_large"
	dropEncoding = "encoding"
)

// Reasons for which something that arrived is refused.
const (
	refuseVersion   = "version"
	refuseType      = "unknown_type"
	refuseMalformed = "malformed"
	refuseBody      = "unknown_body"
)

// NewMetrics registers the metrics with reg, unless that is nil.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		sent: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "holdfast_peer_sent_total", Help: "Items written to streams to other nodes.",
		}),
		received: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "holdfast_peer_received_total", Help: "Items read from streams from other nodes.",
		}, []string{"kind"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "holdfast_peer_dropped_total", Help: "Outgoing items dropped; their senders send them again.",
		}, []string{"reason"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "holdfast_peer_refused_total", Help: "Incoming messages or items refused.",
		}, []string{"reason"}),
		links: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "holdfast_peer_links", Help: "Peers that this node keeps a queue for.",
		}),
		connects: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "holdfast_peer_connects_total", Help: "Streams to other nodes that were established.",
		}),
		broken: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "holdfast_peer_broken_total", Help: "Streams to other nodes that ended with an error.",
		}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "holdfast_peer_batch_items", Help: "Items per envelope sent.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
	}
	if reg != nil {
		reg.MustRegister(m.sent, m.received, m.dropped, m.refused, m.links, m.connects, m.broken, m.batch)
	}
	return m
}

func (m *Metrics) drop(reason string, n int) {
	if n > 0 {
		m.dropped.WithLabelValues(reason).Add(float64(n))
	}
}

func (m *Metrics) refuse(reason string) { m.refused.WithLabelValues(reason).Inc() }
