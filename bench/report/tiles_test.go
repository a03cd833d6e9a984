package report

import (
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// What was refused was asked for, and has cost the server something.
func TestTilesOfRefusals(t *testing.T) {
	r := &Run{
		Seconds: 1, Series: []Stretch{{Seconds: 1, Done: 2, Errors: map[string]int64{"NOT_FOUND": 98}}},
		Nodes: []Node{{Samples: []Sample{{At: 1, Seconds: 1, Cores: 0.5}}}},
	}
	all, err := newTiles([]*Run{r}, []*hdrhistogram.Histogram{figures.NewHistogram()})
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]tile)
	for _, one := range all {
		got[one.Name] = one
	}
	if note := got["Throughput"].Note; note != "2 of 100 requests" {
		t.Errorf("throughput is of %q", note)
	}
	if used := got["Server processor"].Values[0]; used != (quantity{"5,000", "µs a request"}) {
		t.Errorf("a request has cost %v, want half a second for a hundred", used)
	}
}
