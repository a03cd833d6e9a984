package history

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Verdict is what came of one check.
type Verdict string

const (
	// Holds: all that was looked at is as it should be.
	Holds Verdict = "holds"
	// Violated: there are counterexamples.
	Violated Verdict = "violated"
	// Undecided: time was up before it was decided.
	Undecided Verdict = "undecided"
	// Skipped: there was nothing to look at.
	Skipped Verdict = "skipped"
)

// Result is one check and what came of it.
type Result struct {
	Name    string  `json:"name"`
	Verdict Verdict `json:"verdict"`
	// Checked counts what was looked at, in Unit.
	Checked int64  `json:"checked"`
	Unit    string `json:"unit"`
	// Violations counts all; Counterexamples are the first of them, in words.
	Violations      int64    `json:"violations"`
	Counterexamples []string `json:"counterexamples,omitempty"`
	// Note says what else is to be known: why it was skipped, what is undecided.
	Note    string  `json:"note,omitempty"`
	Seconds float64 `json:"seconds"`
}

// maxCounterexamples bounds what a report prints; the counts are complete.
const maxCounterexamples = 20

func (r *Result) violated(text string, args ...any) {
	r.Verdict = Violated
	r.Violations++
	if len(r.Counterexamples) < maxCounterexamples {
		r.Counterexamples = append(r.Counterexamples, fmt.Sprintf(text, args...))
	}
}

func (r *Result) undecided(text string, args ...any) {
	if r.Verdict == Holds {
		r.Verdict = Undecided
	}
	if r.Note == "" {
		r.Note = fmt.Sprintf(text, args...)
	}
}

func (r *Result) skipped(why string) {
	r.Verdict, r.Note = Skipped, why
}

// Report is the judgement of a history.
type Report struct {
	// Operations are purchases, each counted once however often it was sent;
	// Requests are all that was sent, reads and an operator's doings included.
	Operations int64 `json:"operations"`
	Requests   int64 `json:"requests"`
	Reads      int64 `json:"reads"`
	// Bought, Declined and Unknown are what the clients know of the operations.
	Bought   int64 `json:"bought"`
	Declined int64 `json:"declined"`
	Unknown  int64 `json:"unknown"`
	// UnknownShare is Unknown among Operations. Of those, UnknownDone stand in the
	// log as bought.
	UnknownShare float64 `json:"unknown_share"`
	UnknownDone  int64   `json:"unknown_done"`

	Clients int64 `json:"clients"`
	// Logs, Entries and Records are what the log dump has, Seals and Void the
	// records behind the first seal of their log, which do not count.
	Logs    int64 `json:"logs"`
	Entries int64 `json:"entries"`
	Records int64 `json:"records"`
	Seals   int64 `json:"seals"`
	Void    int64 `json:"void"`

	Begin   time.Time `json:"begin"`
	Seconds float64   `json:"seconds"` // that judging took
	Checks  []Result  `json:"checks"`
}

// OK is true when every check holds: one that is undecided or was skipped does
// not.
func (r *Report) OK() bool {
	for i := range r.Checks {
		if r.Checks[i].Verdict != Holds {
			return false
		}
	}
	return len(r.Checks) > 0
}

// Check returns the result of the check of that name, nil if there is none.
func (r *Report) Check(name string) *Result {
	for i := range r.Checks {
		if r.Checks[i].Name == name {
			return &r.Checks[i]
		}
	}
	return nil
}

var marks = map[Verdict]string{Holds: "✓", Violated: "✗", Undecided: "?", Skipped: "-"}

// WriteText prints the report for people.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Operations  %s purchases of %s players: %s bought, %s declined, %s unknown (%.4f %%), %s of those bought by the log\n",
		thousands(r.Operations), thousands(r.Clients), thousands(r.Bought), thousands(r.Declined), thousands(r.Unknown), 100*r.UnknownShare, thousands(r.UnknownDone))
	fmt.Fprintf(&b, "Requests    %s sent, %s reads among them\n", thousands(r.Requests), thousands(r.Reads))
	fmt.Fprintf(&b, "Log         %s records in %s entries of %s logs, %s seals, %s void\n",
		thousands(r.Records), thousands(r.Entries), thousands(r.Logs), thousands(r.Seals), thousands(r.Void))
	for i := range r.Checks {
		c := &r.Checks[i]
		fmt.Fprintf(&b, "%s %-13s %-9s %s %s, %.1f s", marks[c.Verdict], c.Name, c.Verdict, thousands(c.Checked), c.Unit, c.Seconds)
		if c.Violations > 0 {
			fmt.Fprintf(&b, ", %s violations", thousands(c.Violations))
		}
		b.WriteByte('\n')
		if c.Note != "" {
			fmt.Fprintf(&b, "    %s\n", c.Note)
		}
		for _, x := range c.Counterexamples {
			fmt.Fprintf(&b, "    %s\n", strings.ReplaceAll(x, "\n", "\n    "))
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	return nil
}

// thousands groups digits: 1,234,567.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
