package report

import (
	"errors"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// view is what the page says, but for the charts.
type view struct {
	ScriptHash string
	Style      template.CSS
	Script     template.JS
	Charts     charts

	Title, Load string
	Pair        bool
	Runs        []viewRun
	Warnings    []string
	Tiles       []tile
	TileColumns int // where there is room

	Outcomes       []row
	OutcomeColumns []column
	Then           bool
	Differences    []differences
	Errors         []row
	Checks         []checks

	Sampled   bool
	Sizes     []row
	Ownership []ownership
	Marked    bool // there are changes of ownership

	Settings []setting
	Notes    []string
}

type viewRun struct {
	Letter, Class string // "A" and "", "B" and "b"; Letter "" when there is one run
	Name, About   string
}

type column struct{ Letter, Name string }

// row is a line of a table with counts, and bars for them.
type row struct {
	Kind, Outcome string
	Counts        []string
	Bars          []bar
	Differs       bool
}

type bar struct {
	Class   string
	Percent float64
}

type differences struct {
	Title    string
	Examples []shownDifference
}

type shownDifference struct{ At, Player, Request, Then, Now string }

type checks struct {
	Letter string
	Checks []Check
}

type ownership struct {
	Letter, Title string
	Changes       []shownChange
}

type shownChange struct {
	At, How, From, To, Stall string
	Shard                    uint32
	Epoch                    uint64
}

type setting struct {
	Name    string
	Values  []string
	Differs bool
}

// ClassOf is the class of a run's letter.
func (*view) ClassOf(letter string) string {
	if letter == "B" {
		return "b"
	}
	return ""
}

func newView(runs []*Run) (*view, error) {
	if len(runs) < 1 || len(runs) > 2 {
		return nil, errors.New("a page shows one run, or two")
	}
	v := &view{Pair: len(runs) == 2, Load: runs[0].Load, Title: runs[0].Name}
	if v.Pair {
		v.Title = "Two runs side by side"
		if runs[0].Name == runs[1].Name {
			v.Title = runs[0].Name + ", twice"
		}
		if runs[0].Load != runs[1].Load {
			v.Load += " and " + runs[1].Load
		}
	}
	var latencies []*hdrhistogram.Histogram
	for i, r := range runs {
		h, err := r.Latency.Histogram()
		if err != nil {
			return nil, err
		}
		latencies = append(latencies, h)
		c, err := newChartRun(r, h)
		if err != nil {
			return nil, err
		}
		v.Charts.Runs = append(v.Charts.Runs, c)
		v.addRun(i, r)
	}
	tiles, err := newTiles(runs, latencies)
	if err != nil {
		return nil, err
	}
	v.Tiles, v.TileColumns = tiles, max(1, (len(tiles)+1)/2)
	v.outcomes(runs)
	v.errors(runs)
	v.sizes(runs)
	v.settings(runs)
	return v, nil
}

// letter of the i-th run, if there is another.
func (v *view) letter(i int) string {
	if !v.Pair {
		return ""
	}
	return string(rune('A' + i))
}

// of says that something is about the i-th run, if there is another.
func (v *view) of(i int, text string) string {
	if v.Pair {
		return v.letter(i) + ": " + text
	}
	return text
}

// addRun says of a run what is said of each by itself.
func (v *view) addRun(i int, r *Run) {
	letter := v.letter(i)
	about := []string{length(r.Seconds)}
	if !r.Started.IsZero() {
		about = append([]string{r.Started.UTC().Format("2 January 2006, 15:04:05 UTC")}, about...)
	}
	if r.Machine.Cores > 0 {
		about = append(about, fmt.Sprintf("%s, %s, %s, %s", r.Machine.CPU, figures.Plural(r.Machine.Cores, "core"), r.Machine.OS, r.Machine.Go))
	}
	v.Runs = append(v.Runs, viewRun{Letter: letter, Class: v.ClassOf(letter), Name: r.Name, About: strings.Join(about, " · ")})
	switch r.Limit {
	case "generator":
		v.Warnings = append(v.Warnings, v.of(i, "The generator was the limit: these figures say little about the server."))
	case "server":
		v.Warnings = append(v.Warnings, v.of(i, "The server did not keep up with the rate."))
	}
	if len(r.Checks) > 0 {
		v.Checks = append(v.Checks, checks{letter, r.Checks})
	}
	v.Sampled = v.Sampled || len(r.Nodes) > 0
	o := ownership{Letter: letter, Title: "No shard changed its owner."}
	if n := len(r.Ownership); n > 0 {
		v.Marked = true
		o.Title = figures.Plural(n, "change")
	}
	for _, c := range r.Ownership {
		shown := shownChange{
			At: fmt.Sprintf("%.2f s", c.At), How: c.How, From: nobody(c.From), To: nobody(c.To), Shard: c.Shard, Epoch: c.Epoch,
		}
		if c.StallMs > 0 {
			shown.Stall = fmt.Sprintf("%.1f ms", c.StallMs)
		}
		o.Changes = append(o.Changes, shown)
	}
	v.Ownership = append(v.Ownership, o)
	for _, n := range r.Notes {
		v.Notes = append(v.Notes, v.of(i, n))
	}
}

func nobody(node string) string {
	if node == "" {
		return "—"
	}
	return node
}

// length of a run, for people.
func length(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d < 2*time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}

// settings are the parameters of all runs, in the order of the first.
func (v *view) settings(runs []*Run) {
	for i, r := range runs {
		all := r.Settings
		for _, n := range r.Nodes {
			if n.Version != "" {
				all = append(slices.Clip(all), Setting{"Node " + n.Name, n.Version})
			}
		}
		if r.Build != "" {
			all = append(slices.Clip(all), Setting{"Generator", r.Build})
		}
		for _, s := range all {
			at := slices.IndexFunc(v.Settings, func(known setting) bool { return known.Name == s.Name })
			if at < 0 {
				at = len(v.Settings)
				v.Settings = append(v.Settings, setting{Name: s.Name, Values: make([]string, len(runs))})
			}
			v.Settings[at].Values[i] = s.Value
		}
	}
	for i, s := range v.Settings {
		v.Settings[i].Differs = len(slices.Compact(slices.Clone(s.Values))) > 1
	}
}
