package gateway

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// reason is why a connection ended, as the metric and the log have it.
type reason string

const (
	reasonClientClosed     reason = "client_closed"      // with a close frame
	reasonClientGone       reason = "client_gone"        // without
	reasonDrained          reason = "drained"            // by Drain
	reasonShutdown         reason = "shutdown"           // by Close
	reasonHelloTimeout     reason = "hello_timeout"      // HelloTimeout
	reasonUnauthenticated  reason = "unauthenticated"    // no valid Hello
	reasonAttachFailed     reason = "attach_failed"      // the player could not be reached
	reasonFrameTimeout     reason = "frame_timeout"      // FrameTimeout
	reasonPongTimeout      reason = "pong_timeout"       // PongWait
	reasonWriteTimeout     reason = "write_timeout"      // WriteTimeout
	reasonWriteError       reason = "write_error"        //
	reasonQueueFull        reason = "send_queue_full"    // replyRoom
	reasonMessageTooBig    reason = "message_too_big"    // MaxMessageBytes
	reasonMalformed        reason = "malformed"          // not decodable
	reasonWrongMessageType reason = "wrong_message_type" // text for binary, or the reverse
	reasonProtocolError    reason = "protocol_error"     // against RFC 6455
)

// Metrics are what a gateway counts.
type Metrics struct {
	connections prometheus.Gauge
	accepted    prometheus.Counter
	turnedAway  *prometheus.CounterVec // by why
	closed      *prometheus.CounterVec // by reason
	framesIn    *prometheus.CounterVec // by type
	framesOut   prometheus.Counter
	flushes     prometheus.Counter
	refusals    *prometheus.CounterVec // by code
	queueFull   prometheus.Counter
	topics      prometheus.Gauge

	zones         prometheus.Gauge
	cells         prometheus.Gauge
	viewers       prometheus.Gauge
	channels      prometheus.Gauge
	worldOut      prometheus.Counter
	fanOut        prometheus.Histogram
	keysAsked     prometheus.Counter
	gaps          prometheus.Counter
	conflated     prometheus.Counter
	lagging       prometheus.Gauge
	lag           prometheus.Histogram
	eventsDropped prometheus.Counter

	// Looked up once: the hot path must not hash labels.
	in      [numFrameTypes]prometheus.Counter
	codes   map[clientv1.Code]prometheus.Counter
	latency map[*method]prometheus.Observer
}

// NewMetrics registers the metrics with reg. nil: with nobody.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	opts := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "holdfast", Subsystem: "gateway", Name: name, Help: help}
	}
	seconds := func(name, help string) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{
			Namespace: "holdfast", Subsystem: "gateway", Name: name, Help: help,
			Buckets: prometheus.ExponentialBuckets(0.00025, 2, 16), // 0.25 ms to 8 s
		}
	}
	m := &Metrics{
		connections: prometheus.NewGauge(prometheus.GaugeOpts(opts("connections", "Open WebSocket connections."))),
		accepted:    prometheus.NewCounter(opts("accepted_total", "Connections upgraded to WebSocket.")),
		turnedAway:  prometheus.NewCounterVec(opts("turned_away_total", "Connections not upgraded, by why."), []string{"why"}),
		closed:      prometheus.NewCounterVec(opts("closed_total", "Connections that ended, by reason."), []string{"reason"}),
		framesIn:    prometheus.NewCounterVec(opts("frames_in_total", "Frames from clients, by type."), []string{"type"}),
		framesOut:   prometheus.NewCounter(opts("frames_out_total", "Frames to clients.")),
		flushes:     prometheus.NewCounter(opts("flushes_total", "Writes to sockets. Below frames_out_total: one write carried several frames.")),
		refusals:    prometheus.NewCounterVec(opts("errors_total", "Error frames to clients, by code."), []string{"code"}),
		queueFull:   prometheus.NewCounter(opts("send_queue_full_total", "Times that a reader had to wait for room in its connection's send queue.")),
		topics:      prometheus.NewGauge(prometheus.GaugeOpts(opts("watched_skus", "SKUs that at least one connection watches."))),

		zones:     prometheus.NewGauge(prometheus.GaugeOpts(opts("viewed_zones", "Zones that this gateway follows."))),
		cells:     prometheus.NewGauge(prometheus.GaugeOpts(opts("viewed_cells", "Interest cells that this gateway follows."))),
		viewers:   prometheus.NewGauge(prometheus.GaugeOpts(opts("viewers", "Pairs of a connection and a zone that it sees."))),
		channels:  prometheus.NewGauge(prometheus.GaugeOpts(opts("channels", "Channels of zones and groups that at least one connection listens to."))),
		worldOut:  prometheus.NewCounter(opts("world_frames_out_total", "Frames of the world to clients, keyframes included.")),
		fanOut:    prometheus.NewHistogram(seconds("fan_out_seconds", "From taking the frames of a round in hand to having offered them to the last viewer.")),
		keysAsked: prometheus.NewCounter(opts("keyframes_asked_total", "Keyframes asked of zones.")),
		gaps:      prometheus.NewCounter(opts("world_gaps_total", "Frames of the world that could not follow the one before.")),
		conflated: prometheus.NewCounter(opts("conflated_total", "Frames of the world that a slow viewer was not sent, because a keyframe replaced them.")),
		lagging:   prometheus.NewGauge(prometheus.GaugeOpts(opts("lagging_viewers", "Viewers that have not taken what was written to them, and wait for a keyframe."))),
		lag:       prometheus.NewHistogram(seconds("lag_seconds", "How long viewers lagged before they took data again.")),

		eventsDropped: prometheus.NewCounter(opts("events_dropped_total", "Events, lines of chat and the like, that a client did not read in time.")),

		codes:   make(map[clientv1.Code]prometheus.Counter),
		latency: make(map[*method]prometheus.Observer),
	}
	latency := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "holdfast", Subsystem: "gateway", Name: "request_seconds",
		Help:    "From reading a request to writing its reply, by method.",
		Buckets: prometheus.ExponentialBuckets(0.00025, 2, 15), // 0.25 ms to 4 s
	}, []string{"method"})
	for t, name := range frameTypeNames {
		m.in[t] = m.framesIn.WithLabelValues(name)
	}
	for n := range clientv1.Code_name {
		c := clientv1.Code(n)
		m.codes[c] = m.refusals.WithLabelValues(codeName(c))
	}
	for _, k := range methods {
		m.latency[k] = latency.WithLabelValues(k.name)
	}
	if reg != nil {
		reg.MustRegister(m.connections, m.accepted, m.turnedAway, m.closed, m.framesIn, m.framesOut,
			m.flushes, m.refusals, m.queueFull, m.topics, latency,
			m.zones, m.cells, m.viewers, m.channels, m.worldOut, m.fanOut, m.keysAsked, m.gaps,
			m.conflated, m.lagging, m.lag, m.eventsDropped)
	}
	return m
}

func (m *Metrics) refused(c clientv1.Code) {
	counter, known := m.codes[c]
	if !known { // of a newer node
		counter = m.refusals.WithLabelValues(codeName(c))
	}
	counter.Inc()
}

// codeName is the code as the documentation writes it: SOLD_OUT.
func codeName(c clientv1.Code) string { return strings.TrimPrefix(c.String(), "CODE_") }
