package figures

import (
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latency sums up a distribution, in milliseconds.
type Latency struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

// Latencies are held to three digits between a microsecond and a minute; what
// is longer counts as a minute.
const (
	lowestLatency  = int64(time.Microsecond)
	highestLatency = int64(time.Minute)
	latencyDigits  = 3
)

// NewHistogram is one for Record.
func NewHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(lowestLatency, highestLatency, latencyDigits)
}

// Record takes a latency down.
func Record(h *hdrhistogram.Histogram, d time.Duration) {
	// The only error is a value out of range, which clamping rules out.
	_ = h.RecordValue(min(max(int64(d), 0), highestLatency))
}

// NewLatency sums up a histogram of NewHistogram.
func NewLatency(h *hdrhistogram.Histogram) Latency {
	if h.TotalCount() == 0 {
		return Latency{}
	}
	return Latency{
		Mean: Milliseconds(h.Mean()),
		P50:  Milliseconds(float64(h.ValueAtQuantile(50))),
		P99:  Milliseconds(float64(h.ValueAtQuantile(99))),
		P999: Milliseconds(float64(h.ValueAtQuantile(99.9))),
		Max:  Milliseconds(float64(h.Max())),
	}
}

// Milliseconds rounds nanoseconds to a microsecond: the histogram holds no more.
func Milliseconds(nanos float64) float64 { return Round(nanos/float64(time.Millisecond), 3) }

// Round keeps digits behind the point.
func Round(v float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(v*p) / p
}

// PerSecond is a rate, rounded to one digit.
func PerSecond(n int64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return Round(float64(n)/d.Seconds(), 1)
}
