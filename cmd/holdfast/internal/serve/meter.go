package serve

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-game/holdfast/actors/zone"
)

// zoneMeter counts what the zones of this node do.
type zoneMeter struct {
	ticks, skipped, frames, bytes, clamped prometheus.Counter
}

var _ zone.Meter = (*zoneMeter)(nil)

// newZoneMeter registers the counters with reg.
func newZoneMeter(reg prometheus.Registerer) *zoneMeter {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: "holdfast", Subsystem: "zone", Name: name, Help: help})
		reg.MustRegister(c)
		return c
	}
	return &zoneMeter{
		ticks:   counter("ticks_total", "Ticks of zones."),
		skipped: counter("ticks_skipped_total", "Ticks of zones that were left out because the node was late."),
		frames:  counter("frames_total", "Delta frames made, one for each cell that has changed in a tick."),
		bytes:   counter("frame_bytes_total", "Bytes of delta frames made."),
		clamped: counter("clamped_total", "Intents that went beyond what their zone allows, and were cut to it."),
	}
}

// Ticked implements zone.Meter.
func (m *zoneMeter) Ticked(steps, skipped int) {
	m.ticks.Add(float64(steps))
	m.skipped.Add(float64(skipped))
}

// Shown implements zone.Meter.
func (m *zoneMeter) Shown(frames, bytes int) {
	m.frames.Add(float64(frames))
	m.bytes.Add(float64(bytes))
}

// Clamped implements zone.Meter.
func (m *zoneMeter) Clamped() { m.clamped.Inc() }
