package journal

import "github.com/prometheus/client_golang/prometheus"

// Metrics are those of all the logs that one process writes, one after the
// other.
type Metrics struct {
	entries    prometheus.Counter
	records    prometheus.Counter
	bytes      prometheus.Counter
	resends    prometheus.Counter
	refusals   prometheus.Counter
	readBacks  prometheus.Counter
	batch      prometheus.Histogram
	commitTime prometheus.Histogram
}

// NewMetrics registers the metrics with reg, or with nobody if reg is nil.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "holdfast", Subsystem: "journal", Name: name, Help: help}
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts(opts(name, help)))
	}
	m := &Metrics{
		entries:   counter("entries_total", "Log entries that became durable."),
		records:   counter("records_total", "Records that became durable."),
		bytes:     counter("bytes_total", "Bytes of the entries that became durable."),
		resends:   counter("resends_total", "Entries sent again after a timeout, a disconnect or a refusal."),
		refusals:  counter("refusals_total", "Entries that the server refused for their expected sequence."),
		readBacks: counter("read_backs_total", "Refused entries that turned out to have been written."),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "holdfast", Subsystem: "journal", Name: "entry_records",
			Help: "Records per entry.", Buckets: prometheus.ExponentialBuckets(1, 4, 8),
		}),
		commitTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "holdfast", Subsystem: "journal", Name: "commit_seconds",
			Help:    "From the cut of an entry until it was durable.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16),
		}),
	}
	if reg != nil {
		reg.MustRegister(m.entries, m.records, m.bytes, m.resends, m.refusals, m.readBacks, m.batch, m.commitTime)
	}
	return m
}
