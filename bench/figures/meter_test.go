package figures

import (
	"strings"
	"testing"
	"time"
)

func TestMeterAsBar(t *testing.T) {
	var out strings.Builder
	m := &Meter{w: &out, terminal: true}
	m.Done() // without a tick: nothing to finish
	m.Phase("Connecting")
	m.Tick(time.Second, 0.5, "5 done")
	m.Done()
	if got := out.String(); !strings.Contains(got, "50%") || !strings.Contains(got, "5 done") || !strings.HasSuffix(got, "\n") {
		t.Errorf("got %q, want a bar at 50%%", got)
	}
}
