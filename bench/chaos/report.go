package chaos

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/holdfast-game/holdfast/bench"
	"github.com/holdfast-game/holdfast/bench/chaos/history"
)

// Report is what came of a campaign.
type Report struct {
	Seed    uint64  `json:"seed"`
	Members int     `json:"members"`
	For     float64 `json:"seconds"`
	Rate    float64 `json:"rate"`
	// TookSeconds is the length of everything.
	TookSeconds float64 `json:"took_seconds"`
	// Folder has everything that was kept; "" when nothing was.
	Folder string `json:"folder,omitempty"`

	Faults []Injected `json:"faults"`
	// UnaskedEnds counts nodes that ended although no fault killed them, and were
	// started again: those that could not reach etcd or NATS when they started.
	UnaskedEnds int `json:"unasked_ends"`

	// Checks are the campaign's own, besides those of the history.
	Checks  []Check         `json:"checks"`
	History *history.Report `json:"history"`

	mu sync.Mutex
	// Sales are what the load generators saw, by the kind of goods.
	Sales map[string]*bench.SaleReport `json:"sales"` // guarded by mu
}

// Check is a condition and whether it holds.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Complaint says what is wrong.
	Complaint string `json:"complaint,omitempty"`
}

func (r *Report) check(name string, ok bool, complaint string, args ...any) {
	c := Check{Name: name, OK: ok}
	if !ok {
		c.Complaint = fmt.Sprintf(complaint, args...)
	}
	r.Checks = append(r.Checks, c)
}

func (r *Report) add(name string, s *bench.SaleReport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Sales == nil {
		r.Sales = make(map[string]*bench.SaleReport)
	}
	r.Sales[name] = s
}

// OK is true when every check holds.
func (r *Report) OK() bool {
	return r.History != nil && r.History.OK() && !slices.ContainsFunc(r.Checks, func(c Check) bool { return !c.OK })
}

// Summary is how the faults of one kind went.
type Summary struct {
	Kind Kind
	// Injected, Skipped and Failed count faults.
	Injected, Skipped, Failed int
	// P50, P99 and Max are times to recovery. Lasting counts faults that the run
	// ended before.
	P50, P99, Max time.Duration
	Lasting       int
	// Reasons say why faults were skipped or have failed, each once.
	Reasons []string
}

// Summaries are those of all kinds that were on the schedule.
func (r *Report) Summaries() []Summary {
	byKind := make(map[Kind][]Injected)
	for _, f := range r.Faults {
		byKind[f.Kind] = append(byKind[f.Kind], f)
	}
	var all []Summary
	for _, k := range slices.Sorted(maps.Keys(byKind)) {
		all = append(all, summarise(k, byKind[k]))
	}
	return all
}

func summarise(k Kind, faults []Injected) Summary {
	s := Summary{Kind: k}
	var times []time.Duration
	for _, f := range faults {
		for _, reason := range []string{f.Skipped, f.Failed} {
			if reason != "" && !slices.Contains(s.Reasons, reason) {
				s.Reasons = append(s.Reasons, reason)
			}
		}
		switch {
		case f.Skipped != "":
			s.Skipped++
			continue
		case f.Failed != "":
			s.Failed++
		default:
			s.Injected++
		}
		switch {
		case f.Target == "":
		case f.Recovered < 0:
			s.Lasting++
		default:
			times = append(times, f.Recovered)
		}
	}
	slices.Sort(times)
	if n := len(times); n > 0 {
		s.P50, s.P99, s.Max = times[(n-1)/2], times[(n*99+99)/100-1], times[n-1]
	}
	return s
}

// WriteText prints the report for people.
func (r *Report) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	// A tabwriter keeps its first error for Flush.
	fmt.Fprintf(t, "Campaign\t%.0f s of load at %.0f/s, %d members, seed %d, %.1f s in all\n", r.For, r.Rate, r.Members, r.Seed, r.TookSeconds)
	for _, name := range slices.Sorted(maps.Keys(r.Sales)) {
		s := r.Sales[name]
		fmt.Fprintf(t, "Sale\t%s goods: %d purchases, p50 %.1f ms, p99 %.1f ms, %d sold out, errors %s\n",
			name, s.Purchases, s.LatencyMs.P50, s.LatencyMs.P99, s.SoldOut, counts(s.Errors))
	}
	fmt.Fprintf(t, "Nodes\t%d ended by themselves while they could not start, and were started again\n\n", r.UnaskedEnds)
	fmt.Fprintln(t, "FAULT\tINJECTED\tSKIPPED\tFAILED\tRECOVERY P50\tP99\tMAX\tNOT RECOVERED")
	for _, s := range r.Summaries() {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s\t%s\t%s\t%d\n", s.Kind, s.Injected, s.Skipped, s.Failed,
			s.P50.Round(time.Millisecond), s.P99.Round(time.Millisecond), s.Max.Round(time.Millisecond), s.Lasting)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	var b strings.Builder
	for _, s := range r.Summaries() {
		for _, reason := range s.Reasons {
			fmt.Fprintf(&b, "  %s: %s\n", s.Kind, reason)
		}
	}
	b.WriteByte('\n')
	if r.History != nil {
		if err := r.History.WriteText(&b); err != nil {
			return err
		}
	}
	for _, c := range r.Checks {
		mark := "✓"
		if !c.OK {
			mark = "✗"
		}
		fmt.Fprintf(&b, "%s %s", mark, c.Name)
		if c.Complaint != "" {
			fmt.Fprintf(&b, ": %s", c.Complaint)
		}
		b.WriteByte('\n')
	}
	verdict := "Every promise was kept."
	if !r.OK() {
		verdict = fmt.Sprintf("NOT every promise was kept. Repeat with: holdfast chaos --for %s --seed %d --members %d", time.Duration(r.For*float64(time.Second)), r.Seed, r.Members)
	}
	fmt.Fprintln(&b, "\n"+verdict)
	if r.Folder != "" {
		fmt.Fprintln(&b, "Everything is in", r.Folder)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	return nil
}

func counts(byName map[string]int64) string {
	if len(byName) == 0 {
		return "none"
	}
	var parts []string
	for _, name := range slices.SortedFunc(maps.Keys(byName), cmp.Compare) {
		parts = append(parts, fmt.Sprintf("%s %d", name, byName[name]))
	}
	return strings.Join(parts, ", ")
}

func writeJSON(name string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = os.WriteFile(name, append(text, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("keep %s: %w", name, err)
	}
	return nil
}
