package report

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
)

func TestShortEnd(t *testing.T) {
	series := []Stretch{
		{At: 0, Seconds: 1, Due: 5, Sent: 5, Done: 5},
		{At: 1, Seconds: 1, Due: 5, Sent: 5, Done: 4, Latency: "a"},
		{At: 2, Seconds: 0.001, Sent: 1, Done: 2, Errors: map[string]int64{"OVERLOADED": 1}, Latency: "b"},
	}
	want := []Stretch{
		series[0], {At: 1, Seconds: 1.001, Due: 5, Sent: 6, Done: 6, Errors: map[string]int64{"OVERLOADED": 1}, Latency: "a"},
	}
	if got := withoutShortEnd(series); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if series[1].Done != 4 || len(series) != 3 {
		t.Error("the run was changed")
	}
	for _, n := range []int{0, 1, 2} {
		if got := withoutShortEnd(series[:n]); len(got) != n {
			t.Errorf("got %d of %d whole stretches", len(got), n)
		}
	}
}

func TestPercentiles(t *testing.T) {
	h := figures.NewHistogram()
	for i := range 1000 {
		figures.Record(h, time.Duration(i+1)*time.Millisecond)
	}
	points := percentiles(h)
	first, last := points[0], points[len(points)-1]
	if first[0] != 0 || last[0] != 3 || math.Abs(last[1]-1000) > 1 {
		t.Errorf("got %v to %v, want no nines to three, and the longest at the end", first, last)
	}
	for i, p := range points {
		if want := 1000 * (1 - math.Pow(10, -p[0])); math.Abs(p[1]-want) > 2+want/500 {
			t.Errorf("%g nines: got %g ms, want about %g", p[0], p[1], want)
		}
		if i > 0 && p[0] <= points[i-1][0] {
			t.Errorf("point %d is at %g, behind %g", i, p[0], points[i-1][0])
		}
	}
	if got := percentiles(figures.NewHistogram()); len(got) != 0 {
		t.Errorf("got %v of nothing", got)
	}
}

// Samples of two nodes are never taken at the same moments.
func TestTogether(t *testing.T) {
	at := func(from float64) (all []Sample) {
		for i := range 3 {
			all = append(all, Sample{At: from + float64(i) + 1, Seconds: 1, Cores: 0.5, RSS: 100, Commits: 10})
		}
		return all
	}
	got := together([]Node{{Samples: at(0)}, {Samples: at(0.3)}})
	if len(got) != 3 {
		t.Fatalf("got %+v, want three seconds", got)
	}
	for i, s := range got {
		if s.At != float64(i+1) || s.Cores != 1 || s.RSS != 200 || s.Commits != 20 {
			t.Errorf("second %d: got %+v, want both nodes", i, s)
		}
	}
	// One that was not seen for three seconds is one sample of them.
	long := []Sample{{At: 3, Seconds: 3, Cores: 0.5, RSS: 100, Commits: 30}}
	if got := together([]Node{{Samples: at(0)}, {Samples: long}}); len(got) != 3 || got[1].Commits != 20 || got[1].Cores != 1 {
		t.Errorf("got %+v, want the long sample spread over three seconds", got)
	}
}
