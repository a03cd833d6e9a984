package replay

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/bench/report"
)

// report is the whole run as a document.
func (r *run) report(checks []report.Check) (*report.Run, error) {
	pace := fmt.Sprintf("%g×", r.Speed)
	if r.Unpaced {
		pace = "as fast as answers come"
	}
	v := r.judgeRate()
	slices.SortFunc(r.outcomes, func(a, b report.Outcomes) int { return strings.Compare(a.Kind, b.Kind) })
	out := &report.Run{
		Version: report.Version, Name: "Replay of " + r.Tape, Load: "replay", Started: r.started, Seconds: r.took.Seconds(), Build: r.Build,
		Machine: figures.ThisMachine(), Outcomes: r.outcomes, Checks: checks, Limit: v.limit, Notes: r.notes(v),
		Settings: []report.Setting{
			{Name: "Tape", Value: r.Tape}, {Name: "Pace", Value: pace}, {Name: "Scale", Value: fmt.Sprintf("%d", r.Scale)},
			{Name: "Players", Value: figures.Thousands(int64(r.counts.players))}, {Name: "Workers", Value: fmt.Sprintf("%d", r.Workers)},
		},
	}
	var err error
	if out.Latency, err = report.NewDistribution(r.latency); err != nil {
		return nil, err
	}
	if out.Delay, err = report.NewDistribution(r.delay); err != nil {
		return nil, err
	}
	for n := range r.seconds {
		s := &r.seconds[n]
		latency, err := report.NewDistribution(s.latency)
		if err != nil {
			return nil, err
		}
		out.Series = append(out.Series, report.Stretch{
			At: float64(n), Seconds: min(1, max(r.took.Seconds()-float64(n), 0.001)), Due: s.due, Sent: s.sent, Done: s.done, Errors: s.errors, Latency: latency,
		})
	}
	return out, nil
}

// worthAMean is how many requests it takes for what workers need to begin and to
// connect not to be most of what one request costs.
const worthAMean = 10_000

// notes are what else there is to know.
func (r *run) notes(v verdict) (notes []string) {
	c := &r.counts
	if v.because != "" {
		notes = append(notes, v.because)
	}
	say := func(n int64, format string) {
		if n > 0 {
			notes = append(notes, fmt.Sprintf(format, figures.Thousands(n)))
		}
	}
	if c.sent >= worthAMean {
		notes = append(notes, fmt.Sprintf("The generator has used %.1f µs of processor time for a request.", float64(c.processor.Microseconds())/float64(c.sent)))
	}
	say(c.held, "%s requests were due before an answer, or a connection, that they had to wait for.")
	because := func(m mishaps, format string) {
		if m.Count > 0 {
			notes = append(notes, fmt.Sprintf(format+", the first one with: %s.", figures.Thousands(m.Count), m.First))
		}
	}
	because(c.unopened, "%s connections could not be opened")
	because(c.lost, "%s connections were lost")
	say(c.reconnects, "%s connections were opened again.")
	say(int64(c.skipped), "%s requests on the tape were not replayed: they cannot be decoded, or are about the recorded gateway's own streams.")
	say(int64(r.survey.info.Dropped), "%s records were lost when the tape was recorded.")
	if d := r.survey.info.Damage; d != nil {
		notes = append(notes, "Only a part of the tape was replayed: "+d.Error()+".")
	}
	return notes
}

// Print writes what was found for people.
func Print(w io.Writer, r *report.Run) error {
	t := figures.NewTable(w)
	sent, done, errs := int64(0), int64(0), make(map[string]int64)
	for _, s := range r.Series {
		sent += s.Sent
		done += s.Done
		addCounts(&errs, s.Errors)
	}
	for _, s := range r.Settings {
		t.Row(s.Name, s.Value)
	}
	t.Row("Requests", fmt.Sprintf("%s sent, %s answered as they should be, in %.2f s", figures.Thousands(sent), figures.Thousands(done), r.Seconds))
	t.Row("Rate", figures.Thousands(int64(float64(sent)/max(r.Seconds, 0.001)))+" requests/s")
	h, err := r.Latency.Histogram()
	if err != nil {
		return err
	}
	if h.TotalCount() > 0 {
		t.Latency(figures.NewLatency(h))
	} else {
		t.Row("Latency", "of none")
	}
	if h, err = r.Delay.Histogram(); err != nil {
		return err
	}
	if r.Delay != "" {
		d := figures.NewLatency(h)
		t.Row("Schedule", fmt.Sprintf("sent after it was due by p50 %.3f  p99 %.3f  max %.3f ms%s", d.P50, d.P99, d.Max, blame(r.Limit)))
	}
	t.Row("Errors", counted(errs))
	t.Machine(r.Machine)
	t.Blank()
	printOutcomes(t, r.Outcomes)
	t.Blank()
	for _, c := range r.Checks {
		mark := "✓ "
		if !c.OK {
			mark = "✗ "
		}
		t.Line(mark + c.Name)
		if c.Detail != "" {
			t.Line("  " + c.Detail)
		}
	}
	for _, n := range r.Notes {
		t.Line(n)
	}
	return t.Flush()
}

func blame(limit string) string {
	switch limit {
	case "generator":
		return ": the GENERATOR is the limit"
	case "server":
		return ": the server did not keep up"
	default:
		return ""
	}
}

// counted lists counts by name.
func counted(byName map[string]int64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		parts = append(parts, name+" "+figures.Thousands(byName[name]))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

func printOutcomes(t figures.Table, all []report.Outcomes) {
	for _, o := range all {
		if o.Then == nil {
			t.Row(o.Kind, counted(o.Now))
			continue
		}
		t.Row(o.Kind, fmt.Sprintf("then: %s; now: %s", counted(o.Then), counted(o.Now)))
		if o.Differ > 0 {
			t.Row("", fmt.Sprintf("%s differ, such as", figures.Thousands(o.Differ)))
		}
		for _, d := range o.Examples {
			t.Row("", fmt.Sprintf("  at %.3f s, %s, %s: %s, now %s", d.At, d.Player, d.Request, d.Then, d.Now))
		}
	}
}
