package report

import (
	"maps"
	"math"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// charts is what the page's script draws. Latencies are in milliseconds.
type charts struct {
	Runs []chartRun `json:"runs"`
}

type chartRun struct {
	Seconds     float64        `json:"seconds"`
	Series      []chartStretch `json:"series"`
	Percentiles [][2]float64   `json:"percentiles"`
	Ownership   []Change       `json:"ownership"`
	Nodes       []chartNode    `json:"nodes"`
	// All nodes together; nil when there are none.
	All []Sample `json:"all"`
}

type chartStretch struct {
	At      float64          `json:"at"`
	Seconds float64          `json:"seconds"`
	Due     int64            `json:"due,omitempty"`
	Sent    int64            `json:"sent,omitempty"`
	Done    int64            `json:"done"`
	Errors  map[string]int64 `json:"errors,omitempty"`
	P50     float64          `json:"p50"`
	P90     float64          `json:"p90"`
	P99     float64          `json:"p99"`
	Max     float64          `json:"max"`
}

type chartNode struct {
	Name    string   `json:"name"`
	Samples []Sample `json:"samples"`
}

func newChartRun(r *Run, all *hdrhistogram.Histogram) (chartRun, error) {
	c := chartRun{
		Seconds: r.Seconds, Series: make([]chartStretch, 0, len(r.Series)), Percentiles: percentiles(all),
		Ownership: append([]Change{}, r.Ownership...), Nodes: make([]chartNode, 0, len(r.Nodes)), All: together(r.Nodes),
	}
	for _, s := range withoutShortEnd(r.Series) {
		h, err := s.Latency.Histogram()
		if err != nil {
			return chartRun{}, err
		}
		ms := func(p float64) float64 { return figures.Milliseconds(float64(h.ValueAtQuantile(p))) }
		out := chartStretch{At: s.At, Seconds: math.Max(s.Seconds, 1e-3), Due: s.Due, Sent: s.Sent, Done: s.Done, Errors: s.Errors}
		if h.TotalCount() > 0 {
			out.P50, out.P90, out.P99, out.Max = ms(50), ms(90), ms(99), figures.Milliseconds(float64(h.Max()))
		}
		c.Series = append(c.Series, out)
	}
	for _, n := range r.Nodes {
		c.Nodes = append(c.Nodes, chartNode{n.Name, append([]Sample{}, n.Samples...)})
	}
	return c, nil
}

// shortEnd of a run is not shown by itself: a rate over less than so many seconds
// says little.
const shortEnd = 0.5

// withoutShortEnd adds what was counted in a short last stretch to the one before,
// whose latency stands for both.
func withoutShortEnd(series []Stretch) []Stretch {
	n := len(series)
	if n < 2 || series[n-1].Seconds >= shortEnd {
		return series
	}
	series = slices.Clone(series)
	last, end := &series[n-2], series[n-1]
	last.Seconds += end.Seconds
	last.Due, last.Sent, last.Done = last.Due+end.Due, last.Sent+end.Sent, last.Done+end.Done
	last.Errors = maps.Clone(last.Errors)
	for code, count := range end.Errors {
		if last.Errors == nil {
			last.Errors = make(map[string]int64)
		}
		last.Errors[code] += count
	}
	if last.Latency == "" {
		last.Latency = end.Latency
	}
	return series[:n-1]
}

// ninesStep is between two points of the curve of percentiles.
const ninesStep = 1.0 / 16

// percentiles are pairs of x and a latency, x being how many nines a percentile
// has: 1 for 90 %, 2 for 99 %. The curve ends where a single request stands.
func percentiles(h *hdrhistogram.Histogram) [][2]float64 {
	points := [][2]float64{}
	if h.TotalCount() == 0 {
		return points
	}
	end := math.Log10(float64(h.TotalCount()))
	for x := 0.0; x < end+ninesStep; x += ninesStep {
		x := math.Min(x, end)
		q := 100 * (1 - math.Pow(10, -x))
		points = append(points, [2]float64{figures.Round(x, 4), figures.Milliseconds(float64(h.ValueAtQuantile(q)))})
	}
	return points
}

// together adds up what all nodes used, second by second: their samples were not
// taken at the same moments, so each stands for the seconds whose middles it has.
func together(nodes []Node) []Sample {
	if len(nodes) == 1 {
		return nodes[0].Samples
	}
	var all []Sample
	for _, n := range nodes {
		for _, s := range n.Samples {
			first := int(math.Ceil(max(s.At-s.Seconds, 0) - 0.5))
			for i := max(first, 0); float64(i)+0.5 <= s.At; i++ {
				for len(all) <= i {
					all = append(all, Sample{At: float64(len(all) + 1), Seconds: 1})
				}
				a, part := &all[i], 1/max(s.Seconds, 1)
				share := func(n int64) int64 { return int64(float64(n) * part) }
				a.Cores += s.Cores
				a.RSS += s.RSS
				a.Heap += s.Heap
				a.GCPauseMs += s.GCPauseMs * part
				a.Commits += share(s.Commits)
				a.CommitRecords += share(s.CommitRecords)
				a.CommitBytes += share(s.CommitBytes)
				a.CommitMs += s.CommitMs * part
			}
		}
	}
	return slices.DeleteFunc(all, func(s Sample) bool { return s.RSS == 0 }) // nobody was looked at then
}
