package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// counted makes a row of counts, with bars that are shares of most.
func counted(kind, outcome string, counts []int64, classes []string, most int64) row {
	r := row{Kind: kind, Outcome: outcome}
	for i, n := range counts {
		r.Counts = append(r.Counts, figures.Thousands(n))
		b := bar{Class: classes[i]}
		if n == 0 {
			b.Class = "none"
		} else if most > 0 {
			b.Percent = figures.Round(100*float64(n)/float64(most), 2)
		}
		r.Bars = append(r.Bars, b)
	}
	return r
}

// outcomes has a row for each outcome of each kind of request, and columns for
// then and now of each run.
func (v *view) outcomes(runs []*Run) {
	var columns []map[string]map[string]int64 // counts by kind and outcome
	var classes []string
	for i, r := range runs {
		then, now := make(map[string]map[string]int64), make(map[string]map[string]int64)
		compared := false
		for _, o := range r.Outcomes {
			then[o.Kind], now[o.Kind] = o.Then, o.Now
			compared = compared || o.Then != nil
			v.difference(i, o)
		}
		// Then is the same in two replays of one tape, but need not be one tape.
		if compared {
			v.Then = true
			columns, classes = append(columns, then), append(classes, "then")
			v.OutcomeColumns = append(v.OutcomeColumns, column{v.letter(i), "then"})
		}
		columns, classes = append(columns, now), append(classes, v.ClassOf(v.letter(i)))
		v.OutcomeColumns = append(v.OutcomeColumns, column{v.letter(i), "now"})
	}
	if !v.Then {
		for i := range v.OutcomeColumns {
			v.OutcomeColumns[i].Name = ""
			if !v.Pair {
				v.OutcomeColumns[i].Name = "Count"
			}
		}
	}
	kinds := make(map[string]map[string]int64) // the most of each outcome in any column
	for _, c := range columns {
		for kind, counts := range c {
			if kinds[kind] == nil {
				kinds[kind] = make(map[string]int64)
			}
			for outcome, n := range counts {
				kinds[kind][outcome] = max(kinds[kind][outcome], n)
			}
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		most := int64(0)
		for _, n := range kinds[kind] {
			most = max(most, n)
		}
		names := slices.SortedFunc(maps.Keys(kinds[kind]), func(a, b string) int {
			return cmp.Or(cmp.Compare(kinds[kind][b], kinds[kind][a]), cmp.Compare(a, b))
		})
		for i, name := range names {
			counts := make([]int64, len(columns))
			for k, c := range columns {
				counts[k] = c[kind][name]
			}
			shown := kind
			if i > 0 {
				shown = ""
			}
			r := counted(shown, name, counts, classes, most)
			r.Differs = v.Then && len(slices.Compact(slices.Clone(counts))) > 1
			v.Outcomes = append(v.Outcomes, r)
		}
	}
}

// difference adds the examples of requests with another outcome than on the tape.
func (v *view) difference(i int, o Outcomes) {
	if o.Differ == 0 {
		return
	}
	d := differences{Title: v.of(i, fmt.Sprintf("%s: %s with another outcome than on the tape", o.Kind, figures.Thousands(o.Differ)))}
	if n := len(o.Examples); n > 0 && int64(n) < o.Differ {
		d.Title += fmt.Sprintf(", %s of them here", figures.Thousands(int64(n)))
	}
	for _, e := range o.Examples {
		d.Examples = append(d.Examples, shownDifference{
			At: fmt.Sprintf("%.3f s", e.At), Player: e.Player, Request: e.Request, Then: e.Then, Now: e.Now,
		})
	}
	v.Differences = append(v.Differences, d)
}

// errors has a row for each code, the most frequent first.
func (v *view) errors(runs []*Run) {
	counts := make(map[string][]int64)
	for i, r := range runs {
		for _, s := range r.Series {
			for code, n := range s.Errors {
				if counts[code] == nil {
					counts[code] = make([]int64, len(runs))
				}
				counts[code][i] += n
			}
		}
	}
	v.Errors = rows(counts, []string{"bad", "bad"}, v)
	slices.SortFunc(v.Errors, func(a, b row) int {
		return cmp.Or(cmp.Compare(slices.Max(counts[b.Outcome]), slices.Max(counts[a.Outcome])), cmp.Compare(a.Outcome, b.Outcome))
	})
}

// rows makes one of each name, with bars by the greatest count of all.
func rows(counts map[string][]int64, classes []string, v *view) (all []row) {
	if v.Pair {
		classes = []string{"", "b"}
	}
	most := int64(0)
	for _, c := range counts {
		most = max(most, slices.Max(c))
	}
	for name, c := range counts {
		all = append(all, counted("", name, c, classes, most))
	}
	return all
}

// sizes has a row for each size of commits, over all nodes of a run. Empty rows
// at the ends are left out.
func (v *view) sizes(runs []*Run) {
	counts, bounds := make(map[string][]int64), make(map[string]float64)
	for i, r := range runs {
		for _, n := range r.Nodes {
			below := 0.0
			for _, b := range n.CommitSizes {
				name := sizeName(below, b.Most)
				if counts[name] == nil {
					counts[name] = make([]int64, len(runs))
				}
				counts[name][i] += b.Count
				bounds[name] = below
				below = b.Most
			}
		}
	}
	v.Sizes = rows(counts, []string{"", ""}, v)
	slices.SortFunc(v.Sizes, func(a, b row) int { return cmp.Compare(bounds[a.Outcome], bounds[b.Outcome]) })
	empty := func(r row) bool { return slices.Max(counts[r.Outcome]) == 0 }
	for len(v.Sizes) > 0 && empty(v.Sizes[0]) {
		v.Sizes = v.Sizes[1:]
	}
	for len(v.Sizes) > 0 && empty(v.Sizes[len(v.Sizes)-1]) {
		v.Sizes = v.Sizes[:len(v.Sizes)-1]
	}
}

// sizeName is the range of records of a bucket.
func sizeName(below, most float64) string {
	from := figures.Thousands(int64(below) + 1)
	switch {
	case most == 0:
		return "more than " + figures.Thousands(int64(below))
	case int64(below)+1 == int64(most):
		return from
	}
	return from + " – " + figures.Thousands(int64(most))
}
