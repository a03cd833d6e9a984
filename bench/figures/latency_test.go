package figures

import (
	"math"
	"testing"
	"time"
)

func TestLatencyOutOfRangeIsClamped(t *testing.T) {
	h := NewHistogram()
	Record(h, -time.Second)
	Record(h, time.Hour)
	if h.TotalCount() != 2 {
		t.Errorf("got %d samples, want both", h.TotalCount())
	}
	if got := NewLatency(h).Max; math.Abs(got-60_000) > 60 {
		t.Errorf("got max %v ms, want a minute", got)
	}
}

func TestNoSamples(t *testing.T) {
	if got := NewLatency(NewHistogram()); got != (Latency{}) {
		t.Errorf("got %+v, want zeros", got)
	}
	if got := PerSecond(5, 0); got != 0 {
		t.Errorf("got a rate of %v in no time", got)
	}
}
