package router

import "github.com/prometheus/client_golang/prometheus"

// Metrics are the package's Prometheus metrics. None is touched by a call that
// is answered at once; how long calls take is measured where they are made.
type Metrics struct {
	pending    prometheus.Gauge
	resent     *prometheus.CounterVec
	given      *prometheus.CounterVec
	strays     prometheus.Counter
	notOwner   prometheus.Counter
	noOwner    prometheus.Counter
	overloaded prometheus.Counter
}

// Reasons for which a command is sent again.
const (
	resentRoute    = "route_changed"
	resentNotOwner = "not_owner"
	resentSilence  = "no_answer"
)

// Reasons for which a call is given up.
const (
	givenDeadline = "deadline"
	givenClosed   = "closed"
	givenCaller   = "caller"
)

// NewMetrics registers the metrics with reg, unless that is nil.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		pending: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "holdfast_router_pending_calls", Help: "Calls that wait for an answer, as of the last tick.",
		}),
		resent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "holdfast_router_resent_total", Help: "Commands sent again.",
		}, []string{"reason"}),
		given: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "holdfast_router_given_up_total", Help: "Calls that ended without an answer.",
		}, []string{"reason"}),
		strays: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "holdfast_router_stray_answers_total", Help: "Answers to calls that no longer wait, second copies for the most part.",
		}),
		notOwner: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "holdfast_router_not_owner_total", Help: "Answers that the addressee does not own the shard.",
		}),
		noOwner: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "holdfast_router_no_owner_total", Help: "Calls made while nobody owned the shard.",
		}),
		overloaded: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "holdfast_router_overloaded_total", Help: "Calls refused because too many wait.",
		}),
	}
	if reg != nil {
		reg.MustRegister(m.pending, m.resent, m.given, m.strays, m.notOwner, m.noOwner, m.overloaded)
	}
	return m
}
