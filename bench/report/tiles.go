package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// tile is a figure in large, of each run.
type tile struct {
	Name    string
	Values  []quantity
	Note    string // of a single run
	Delta   string // from the first run to the second
	Verdict string // "better", "worse" or ""
}

type quantity struct{ Number, Unit string }

// measure is how a figure is taken from a run, and shown.
type measure struct {
	name   string
	of     func(r *Run, latency *hdrhistogram.Histogram) (value float64, ok bool)
	show   func(float64) quantity
	note   func(r *Run) string
	better int // 1: more is, -1: less is
}

// alike is by how much two runs differ that differ in nothing: less is not called
// better or worse.
const alike = 0.03

func newTiles(runs []*Run, latencies []*hdrhistogram.Histogram) ([]tile, error) {
	delays := make(map[*Run]*hdrhistogram.Histogram)
	for _, r := range runs {
		h, err := r.Delay.Histogram()
		if err != nil {
			return nil, err
		}
		delays[r] = h
	}
	percentile := func(p float64) func(*Run, *hdrhistogram.Histogram) (float64, bool) {
		return func(_ *Run, h *hdrhistogram.Histogram) (float64, bool) {
			return figures.Milliseconds(float64(h.ValueAtQuantile(p))), h.TotalCount() > 0
		}
	}
	none := func(*Run) string { return "" }
	measures := []measure{
		{"Throughput", func(r *Run, _ *hdrhistogram.Histogram) (float64, bool) { return rate(r), r.Seconds > 0 }, perSecond,
			func(r *Run) string {
				if failed(r) > 0 {
					return fmt.Sprintf("%s of %s requests", figures.Thousands(done(r)), figures.Thousands(done(r)+failed(r)))
				}
				return figures.Thousands(done(r)) + " requests"
			}, 1},
		{"Latency p50", percentile(50), milliseconds, none, -1},
		{"Latency p99", percentile(99), milliseconds, none, -1},
		{"Latency p99.9", percentile(99.9), milliseconds, none, -1},
		{"Longest latency", func(_ *Run, h *hdrhistogram.Histogram) (float64, bool) {
			return figures.Milliseconds(float64(h.Max())), h.TotalCount() > 0
		}, milliseconds, none, -1},
		{"Errors", func(r *Run, _ *hdrhistogram.Histogram) (float64, bool) { return float64(failed(r)), true }, plain, share, -1},
		{"Sent late, p99", func(r *Run, _ *hdrhistogram.Histogram) (float64, bool) {
			return figures.Milliseconds(float64(delays[r].ValueAtQuantile(99))), delays[r].TotalCount() > 0
		}, milliseconds, func(*Run) string { return "by the generator itself" }, -1},
		{"Server processor", func(r *Run, _ *hdrhistogram.Histogram) (float64, bool) {
			all := done(r) + failed(r) // refusals cost the server as well
			return 1e6 * used(r) / float64(max(all, 1)), used(r) > 0 && all > 0
		}, func(v float64) quantity { return quantity{short(v), "µs a request"} },
			func(r *Run) string { return fmt.Sprintf("%.2f cores in the mean", used(r)/math.Max(r.Seconds, 1e-3)) }, -1},
		{"Server memory", func(r *Run, _ *hdrhistogram.Histogram) (float64, bool) { return peak(r), peak(r) > 0 }, mebibytes,
			func(*Run) string { return "at most" }, -1},
	}
	var all []tile
	for _, m := range measures {
		if t, ok := m.tile(runs, latencies); ok {
			all = append(all, t)
		}
	}
	return all, nil
}

// tile is there when at least one run has the figure.
func (m measure) tile(runs []*Run, latencies []*hdrhistogram.Histogram) (tile, bool) {
	t := tile{Name: m.name}
	var values []float64
	for i, r := range runs {
		v, ok := m.of(r, latencies[i])
		if !ok {
			t.Values = append(t.Values, quantity{"–", ""})
			continue
		}
		values = append(values, v)
		t.Values = append(t.Values, m.show(v))
	}
	if len(values) == 0 {
		return t, false
	}
	t.Note = m.note(runs[0])
	if len(runs) == 2 && len(values) == 2 {
		t.compare(values[0], values[1], m.better)
	}
	return t, true
}

func (t *tile) compare(a, b float64, better int) {
	switch {
	case a == b:
		t.Delta = "the same"
		return
	case a == 0 || b == 0:
		t.Delta = "only one of them"
	case b/a >= 2 || b/a <= 0.5:
		t.Delta = fmt.Sprintf("B %s × A", short(b/a))
	default:
		t.Delta = strings.Replace(fmt.Sprintf("B %+.1f\u00a0%%", 100*(b/a-1)), "-", "−", 1)
	}
	if a != 0 && math.Abs(b/a-1) < alike {
		return
	}
	t.Verdict = "worse"
	if (b > a) == (better > 0) {
		t.Verdict = "better"
	}
}

func done(r *Run) (n int64) {
	for _, s := range r.Series {
		n += s.Done
	}
	return n
}

func failed(r *Run) (n int64) {
	for _, s := range r.Series {
		for _, e := range s.Errors {
			n += e
		}
	}
	return n
}

func rate(r *Run) float64 { return float64(done(r)) / math.Max(r.Seconds, 1e-3) }

func share(r *Run) string {
	n := failed(r)
	if n == 0 {
		return "none"
	}
	return fmt.Sprintf("%.3g %% of all answers", 100*float64(n)/float64(n+done(r)))
}

// used is the processor time of all nodes during the load, in seconds.
func used(r *Run) (seconds float64) {
	for _, n := range r.Nodes {
		for _, s := range n.Samples {
			if s.At > 0 { // not while players connected
				seconds += s.Cores * s.Seconds
			}
		}
	}
	return seconds
}

// peak is the most memory of all nodes together.
func peak(r *Run) (most float64) {
	for _, s := range together(r.Nodes) {
		most = max(most, float64(s.RSS))
	}
	return most
}

// short keeps three digits or so.
func short(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v >= 100:
		return figures.Thousands(int64(math.Round(v)))
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

func plain(v float64) quantity     { return quantity{figures.Thousands(int64(v)), ""} }
func perSecond(v float64) quantity { return quantity{short(v), "/s"} }
func mebibytes(v float64) quantity { return quantity{short(v / (1 << 20)), "MiB"} }

func milliseconds(v float64) quantity {
	switch {
	case v >= 1000:
		return quantity{short(v / 1000), "s"}
	case v < 1:
		return quantity{short(v * 1000), "µs"}
	default:
		return quantity{short(v), "ms"}
	}
}
