package shard

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-game/holdfast/shard/journal"
)

// Metrics are those of one node's shards. They live as long as the node, not
// as long as an incarnation.
type Metrics struct {
	Journal *journal.Metrics

	shards           prometheus.Gauge
	storeFull        prometheus.Gauge
	incarnations     prometheus.Counter
	shed             prometheus.Counter
	messagesDropped  prometheus.Counter
	outputsDropped   prometheus.Counter
	deadLetters      prometheus.Counter
	shardFailures    prometheus.Counter
	claimErrors      prometheus.Counter
	passivations     prometheus.Counter
	replayed         prometheus.Counter
	checkpoints      prometheus.Counter
	checkpointErrors prometheus.Counter

	moves     *prometheus.CounterVec
	moveStall prometheus.Histogram
}

// NewMetrics registers the metrics with reg, or with nobody if reg is nil.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{Journal: journal.NewMetrics(reg)}
	register := func(c prometheus.Collector) {
		if reg != nil {
			reg.MustRegister(c)
		}
	}
	counter := func(c *prometheus.Counter, name, help string) {
		*c = prometheus.NewCounter(prometheus.CounterOpts{Namespace: "holdfast", Subsystem: "shard", Name: name, Help: help})
		register(*c)
	}
	m.shards = prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "holdfast", Subsystem: "shard", Name: "served", Help: "Shards that this node serves."})
	register(m.shards)
	m.storeFull = prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: "holdfast", Subsystem: "shard", Name: "store_full",
		Help: "1 while new commands are turned away because the store is full.",
	})
	register(m.storeFull)
	counter(&m.incarnations, "incarnations_ended_total", "Incarnations that lost their lease or their log.")
	counter(&m.shed, "commands_shed_total", "Client commands answered OVERLOADED at admission.")
	counter(&m.messagesDropped, "messages_dropped_total", "Messages between actors dropped at a full mailbox; their senders repeat them.")
	counter(&m.outputsDropped, "outputs_dropped_total", "Outputs dropped at a full outbox; they are asked for or sent again.")
	counter(&m.deadLetters, "dead_letters_total", "Messages that made their actor fail.")
	counter(&m.shardFailures, "failures_total", "Shards that stopped themselves.")
	counter(&m.claimErrors, "claim_errors_total", "Claims that could not be finished.")
	counter(&m.passivations, "passivations_total", "Actors put to sleep as encoded bytes.")
	counter(&m.replayed, "records_replayed_total", "Records applied while loading shards.")
	counter(&m.checkpoints, "checkpoints_total", "Checkpoints published.")
	counter(&m.checkpointErrors, "checkpoint_errors_total", "Checkpoints that could not be written, or read.")
	m.moves = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "holdfast", Subsystem: "shard", Name: "moves_total", Help: "Planned moves of shards away from this node, by outcome.",
	}, []string{"outcome"})
	m.moveStall = prometheus.NewHistogram(prometheus.HistogramOpts{
		Namespace: "holdfast", Subsystem: "shard", Name: "move_stall_seconds",
		Help:    "How long nobody served a shard that was moved away from this node.",
		Buckets: prometheus.ExponentialBuckets(0.001, 2, 13), // 1 ms to 4 s
	})
	register(m.moves)
	register(m.moveStall)
	return m
}
