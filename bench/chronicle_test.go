package bench

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/bench/launch"
	"github.com/holdfast-game/holdfast/bench/report"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

func TestSaleCommandKeepsTheRun(t *testing.T) {
	for _, args := range [][]string{
		{"--attempts", "90"},
		{"--rate", "300", "--seconds", "0.3"},
	} {
		file := filepath.Join(t.TempDir(), "run.json")
		_, _, err := run(t, append([]string{"bench", "sale", "--players", "4", "--stock", "50", "--json", "--report-json", file}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		r, err := report.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		var done, due, sent, timed int64
		for _, s := range r.Series {
			h, err := s.Latency.Histogram()
			if err != nil {
				t.Fatal(err)
			}
			done, due, sent, timed = done+s.Done, due+s.Due, sent+s.Sent, timed+h.TotalCount()
		}
		all, err := r.Latency.Histogram()
		if err != nil || all.TotalCount() != 50 || timed != 50 || done != 90 {
			t.Errorf("%q: got %d done, %d and %d timed, %v, want 90 and 50", args, done, timed, all.TotalCount(), err)
		}
		if open := args[0] == "--rate"; open && (sent != 90 || due < 80 || r.Delay == "") || !open && (sent != 0 || due != 0 || r.Delay != "") {
			t.Errorf("%q: got %d due, %d sent and delays %.10q", args, due, sent, string(r.Delay))
		}
		if now := r.Outcomes[0].Now; now["sold"] != 50 || now["sold out"] != 40 {
			t.Errorf("%q: got outcomes %v", args, now)
		}
		// A market in place of a node has neither metrics nor shards.
		if len(r.Checks) != 6 || !r.Checks[0].OK || len(r.Notes) == 0 || r.Seconds <= 0 || r.Started.IsZero() {
			t.Errorf("%q: got %+v", args, r)
		}
	}
}

func TestChronicle(t *testing.T) {
	begin := time.Now()
	sampler, err := report.StartSampler(t.Context(), report.SamplerConfig{Target: launch.Target{Admin: "http://127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	sent := int64(0)
	c := &chronicle{sampler: sampler, sent: func() int64 { return sent }, rate: 4}
	c.started(begin)
	window := func() *tally {
		w := &tally{latency: figures.NewHistogram(), soldOut: 1}
		figures.Record(w.latency, time.Millisecond)
		w.errors[clientv1.Code_CODE_OVERLOADED] = 2
		return w
	}
	for i := range 9 { // 2.25 s
		sent += 3
		c.take(window(), begin.Add(time.Duration(i+1)*barTick))
	}
	c.finish(t.Context(), window(), begin.Add(9*barTick+time.Millisecond))

	if len(c.series) != 2 || c.err != nil {
		t.Fatalf("got %+v, %v, want two stretches: the end is short", c.series, c.err)
	}
	for i, want := range []report.Stretch{
		{At: 0, Seconds: 1, Due: 4, Sent: 12, Done: 8, Errors: map[string]int64{"OVERLOADED": 8}},
		{At: 1, Seconds: 1.251, Due: 5, Sent: 15, Done: 12, Errors: map[string]int64{"OVERLOADED": 12}},
	} {
		got := c.series[i]
		if got.At != want.At || got.Seconds != want.Seconds || got.Due != want.Due || got.Sent != want.Sent || got.Done != want.Done ||
			got.Errors["OVERLOADED"] != want.Errors["OVERLOADED"] || got.Latency == "" {
			t.Errorf("stretch %d: got %+v, want %+v", i, got, want)
		}
	}
}
