package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// PeersReport is the outcome of a comparison.
type PeersReport struct {
	// Rows are grouped by number of connections.
	Rows    []PeersRow `json:"rows"`
	Skipped []Skipped  `json:"skipped,omitempty"`
	// LoadAverage is what else the machine had to do: processes that ran or wanted
	// to, over the minute before the first measurement.
	LoadAverage float64         `json:"load_average"`
	Parameters  PeersParameters `json:"parameters"`
	Machine     figures.Machine `json:"machine"`
}

// PeersParameters are those that tell one comparison from another.
type PeersParameters struct {
	Rounds          int     `json:"rounds"`
	DurationSeconds float64 `json:"seconds"` // of each measurement
}

// PeersRow is what one contender came to with a number of connections.
type PeersRow struct {
	Name        string `json:"name"`
	Title       string `json:"title"`
	Connections int    `json:"connections"`
	// PerSecond, P50Ms and P99Ms are purchases a second, or echoes, and their
	// latency.
	PerSecond figures.Spread `json:"per_second"`
	P50Ms     figures.Spread `json:"p50_ms"`
	P99Ms     figures.Spread `json:"p99_ms"`
	// Ratio is Holdfast's rate over this one, each from the same round. Zero without
	// Holdfast.
	Ratio figures.Spread `json:"holdfast_over_this"`
	// Errors counts what went wrong on the way, over all rounds: refusals that were
	// sent again, connections that dropped.
	Errors map[string]int64 `json:"errors,omitempty"`
	// Failed are checks that did not hold, in any round.
	Failed []string `json:"failed,omitempty"`

	// One for each round.
	Rates []float64 `json:"rates"`
	p50s  []float64
	p99s  []float64
}

// Skipped is one that could not be measured.
type Skipped struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Why   string `json:"why"`
}

func (r *PeersRow) enter(m measured) {
	r.Rates = append(r.Rates, m.perSecond)
	r.p50s = append(r.p50s, m.latency.P50)
	r.p99s = append(r.p99s, m.latency.P99)
	r.Failed = append(r.Failed, m.failed...)
	if r.Errors == nil {
		r.Errors = make(map[string]int64)
	}
	for name, n := range m.errors {
		r.Errors[name] += n
	}
}

// sumUp fills in what follows from the rounds.
func (r *PeersReport) sumUp() {
	for i := range r.Rows {
		row := &r.Rows[i]
		row.PerSecond, row.P50Ms, row.P99Ms = figures.NewSpread(row.Rates), figures.NewSpread(row.p50s), figures.NewSpread(row.p99s)
		ours := r.row(holdfastName, row.Connections)
		if ours == nil {
			continue
		}
		var ratios []float64
		for round, rate := range row.Rates {
			if rate > 0 {
				ratios = append(ratios, ours.Rates[round]/rate)
			}
		}
		row.Ratio = figures.NewSpread(ratios)
	}
}

// row is nil when there is none.
func (r *PeersReport) row(name string, connections int) *PeersRow {
	i := slices.IndexFunc(r.Rows, func(row PeersRow) bool { return row.Name == name && row.Connections == connections })
	if i < 0 {
		return nil
	}
	return &r.Rows[i]
}

// OK is true when every check held in every round.
func (r *PeersReport) OK() bool {
	return !slices.ContainsFunc(r.Rows, func(row PeersRow) bool { return len(row.Failed) > 0 })
}

// WriteText prints the report for people, as a table in Markdown.
func (r *PeersReport) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Medians of %d rounds of %g s, slowest and fastest in parentheses. %s, %s, %s, %s; load average before: %.2f.\n\n",
		r.Parameters.Rounds, r.Parameters.DurationSeconds,
		r.Machine.CPU, figures.Plural(r.Machine.Cores, "core"), r.Machine.OS, r.Machine.Go, r.LoadAverage)
	b.WriteString("| connections | | requests/s | p50 | p99 | Holdfast is |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, row := range r.Rows {
		ratio := ""
		if row.Name != holdfastName && row.Ratio.Median > 0 {
			ratio = fmt.Sprintf("**%s ×** (%s – %s)", short(row.Ratio.Median), short(row.Ratio.Least), short(row.Ratio.Most))
		}
		fmt.Fprintf(&b, "| %d | %s | %s (%s – %s) | %.1f ms | %.1f ms | %s |\n", row.Connections, row.Title,
			thousands(row.PerSecond.Median), thousands(row.PerSecond.Least), thousands(row.PerSecond.Most), row.P50Ms.Median, row.P99Ms.Median, ratio)
	}
	b.WriteByte('\n')
	for _, s := range r.Skipped {
		fmt.Fprintf(&b, "Skipped %s: %s\n", s.Title, s.Why)
	}
	for _, row := range r.Rows {
		for _, name := range slices.Sorted(maps.Keys(row.Errors)) {
			fmt.Fprintf(&b, "%s, %d connections: %s %s\n", row.Title, row.Connections, name, figures.Thousands(row.Errors[name]))
		}
		for _, f := range row.Failed {
			fmt.Fprintf(&b, "✗ %s, %d connections: not so: %s\n", row.Title, row.Connections, f)
		}
	}
	if r.OK() {
		b.WriteString("✓ after every sale the books agreed with what had been acknowledged\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func thousands(v float64) string { return figures.Thousands(int64(v)) }

// short writes a ratio with as many digits as say something.
func short(v float64) string {
	if v >= 10 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
