package bench

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

func newLatency(h *hdrhistogram.Histogram) Latency {
	if h.TotalCount() == 0 {
		return Latency{}
	}
	return Latency{
		Mean: milliseconds(h.Mean()),
		P50:  milliseconds(float64(h.ValueAtQuantile(50))),
		P99:  milliseconds(float64(h.ValueAtQuantile(99))),
		P999: milliseconds(float64(h.ValueAtQuantile(99.9))),
		Max:  milliseconds(float64(h.Max())),
	}
}

// milliseconds rounds to a microsecond: the histogram holds no more.
func milliseconds(nanos float64) float64 { return round(nanos/float64(time.Millisecond), 3) }

func round(v float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(v*p) / p
}

// perSecond is a rate, rounded to one digit.
func perSecond(n int64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return round(float64(n)/d.Seconds(), 1)
}
