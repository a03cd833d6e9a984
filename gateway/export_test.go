package gateway

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// WorldFrames counts the frames of the world that viewers were sent, or were
// not because they lagged.
func (m *Metrics) WorldFrames() float64 {
	var sum float64
	for _, c := range []prometheus.Counter{m.worldOut, m.conflated} {
		var d dto.Metric
		_ = c.Write(&d)
		sum += d.GetCounter().GetValue()
	}
	return sum
}
