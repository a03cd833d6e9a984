package serve

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestZoneMeter(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := newZoneMeter(reg)
	m.Ticked(3, 2)
	m.Ticked(1, 0)
	m.Shown(5, 700)
	m.Clamped()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, f := range families {
		got[f.GetName()] = f.GetMetric()[0].GetCounter().GetValue()
	}
	want := map[string]float64{
		"holdfast_zone_ticks_total": 4, "holdfast_zone_ticks_skipped_total": 2, "holdfast_zone_frames_total": 5,
		"holdfast_zone_frame_bytes_total": 700, "holdfast_zone_clamped_total": 1,
	}
	for name, v := range want {
		if got[name] != v {
			t.Errorf("%s: got %g, want %g", name, got[name], v)
		}
	}
	if len(got) != len(want) {
		t.Errorf("metrics %v", got)
	}
}
