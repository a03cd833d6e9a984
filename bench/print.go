package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// WriteText prints the report for people.
func (r *SaleReport) WriteText(w io.Writer) error {
	t := figures.NewTable(w)
	p := r.Parameters
	mode := "closed loop"
	if p.Rate > 0 {
		mode = fmt.Sprintf("open loop at %s/s", figures.Thousands(int64(p.Rate)))
	}
	t.Row("Sale", fmt.Sprintf("%s players, %s of %s units, %d a purchase, %s", figures.Thousands(int64(p.Players)), figures.Plural(p.SKUs, "product"),
		figures.Thousands(p.Stock), p.Quantity, mode))
	t.Row("Purchases", fmt.Sprintf("%s in %.2f s", figures.Thousands(r.Purchases), r.DurationSeconds))
	t.Row("Rate", figures.Thousands(int64(r.PurchasesPerSecond))+" purchases/s")
	t.Latency(r.LatencyMs)
	t.Row("Sold out", figures.Thousands(r.SoldOut)+" answers")
	t.Row("Units", fmt.Sprintf("%s sold, %s left", figures.Thousands(r.Sold), figures.Thousands(r.Left)))
	errorRow(t, r.Errors)
	if o := r.OpenLoop; o != nil {
		t.Row("Schedule", o.String())
	}
	t.Machine(r.Machine)
	t.Blank()
	for _, c := range r.Checks() {
		mark := "✓"
		if !c.OK {
			mark = "✗"
		}
		t.Line(mark + " " + c.Name)
	}
	t.Line(fmt.Sprintf("  oversold %d, lost %d, duplicated %d, unresolved %d", r.Oversold, r.Lost, r.Duplicated, r.Unresolved))
	for _, c := range r.Complaints {
		t.Line("  " + c)
	}
	return t.Flush()
}

func (o *OpenLoop) String() string {
	s := fmt.Sprintf("%s of %s sent, %s late for a busy player; generator's own delay p99 %.2f ms",
		figures.Thousands(o.Sent), figures.Thousands(o.Scheduled), figures.Thousands(o.Late), o.OversleptMs99)
	switch o.Limit {
	case "generator":
		s += ": the GENERATOR is the limit, these figures say little about the server"
	case "server":
		s += ": the server did not keep up with the rate"
	}
	return s
}

// WriteText prints the report for people.
func (r *EchoReport) WriteText(w io.Writer) error {
	t := figures.NewTable(w)
	t.Row("Echo", fmt.Sprintf("%s connections, %d bytes each way", figures.Thousands(int64(r.Parameters.Connections)), r.Parameters.FrameBytes))
	t.Row("Requests", fmt.Sprintf("%s in %.2f s", figures.Thousands(r.Requests), r.DurationSeconds))
	t.Row("Rate", figures.Thousands(int64(r.RequestsPerSecond))+" requests/s")
	t.Latency(r.LatencyMs)
	errorRow(t, r.Errors)
	t.Machine(r.Machine)
	return t.Flush()
}

// errorRow adds what went wrong.
func errorRow(t figures.Table, byName map[string]int64) {
	if len(byName) == 0 {
		t.Row("Errors", "none")
		return
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		parts = append(parts, fmt.Sprintf("%s %s", name, figures.Thousands(byName[name])))
	}
	t.Row("Errors", strings.Join(parts, ", "))
}
