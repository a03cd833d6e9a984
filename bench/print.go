package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// WriteText prints the report for people.
func (r *SaleReport) WriteText(w io.Writer) error {
	t := newTable(w)
	p := r.Parameters
	mode := "closed loop"
	if p.Rate > 0 {
		mode = fmt.Sprintf("open loop at %s/s", thousands(int64(p.Rate)))
	}
	t.row("Sale", fmt.Sprintf("%s players, %s of %s units, %d a purchase, %s", thousands(int64(p.Players)), plural(p.SKUs, "product"),
		thousands(p.Stock), p.Quantity, mode))
	t.row("Purchases", fmt.Sprintf("%s in %.2f s", thousands(r.Purchases), r.DurationSeconds))
	t.row("Rate", thousands(int64(r.PurchasesPerSecond))+" purchases/s")
	t.latency(r.LatencyMs)
	t.row("Sold out", thousands(r.SoldOut)+" answers")
	t.row("Units", fmt.Sprintf("%s sold, %s left", thousands(r.Sold), thousands(r.Left)))
	t.errors(r.Errors)
	if o := r.OpenLoop; o != nil {
		t.row("Schedule", o.String())
	}
	t.machine(r.Machine)
	t.blank()
	for _, c := range r.Checks() {
		mark := "✓"
		if !c.OK {
			mark = "✗"
		}
		t.line(mark + " " + c.Name)
	}
	t.line(fmt.Sprintf("  oversold %d, lost %d, duplicated %d, unresolved %d", r.Oversold, r.Lost, r.Duplicated, r.Unresolved))
	for _, c := range r.Complaints {
		t.line("  " + c)
	}
	return t.flush()
}

func (o *OpenLoop) String() string {
	s := fmt.Sprintf("%s of %s sent, %s late for a busy player; generator's own delay p99 %.2f ms",
		thousands(o.Sent), thousands(o.Scheduled), thousands(o.Late), o.OversleptMs99)
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
	t := newTable(w)
	t.row("Echo", fmt.Sprintf("%s connections, %d bytes each way", thousands(int64(r.Parameters.Connections)), r.Parameters.FrameBytes))
	t.row("Requests", fmt.Sprintf("%s in %.2f s", thousands(r.Requests), r.DurationSeconds))
	t.row("Rate", thousands(int64(r.RequestsPerSecond))+" requests/s")
	t.latency(r.LatencyMs)
	t.errors(r.Errors)
	t.machine(r.Machine)
	return t.flush()
}

// table is two columns of text.
type table struct {
	w *tabwriter.Writer
}

func newTable(w io.Writer) table { return table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)} }

// A tabwriter keeps its first error for Flush.
func (t table) row(name, value string) { fmt.Fprintf(t.w, "%s\t%s\n", name, value) }
func (t table) line(s string)          { fmt.Fprintln(t.w, s) }
func (t table) blank()                 { fmt.Fprintln(t.w) }
func (t table) flush() error           { return t.w.Flush() }

func (t table) latency(l Latency) {
	t.row("Latency", fmt.Sprintf("mean %.2f  p50 %.2f  p99 %.2f  p99.9 %.2f  max %.2f ms", l.Mean, l.P50, l.P99, l.P999, l.Max))
}

func (t table) errors(byName map[string]int64) {
	if len(byName) == 0 {
		t.row("Errors", "none")
		return
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		parts = append(parts, fmt.Sprintf("%s %s", name, thousands(byName[name])))
	}
	t.row("Errors", strings.Join(parts, ", "))
}

func (t table) machine(m Machine) {
	t.row("Machine", fmt.Sprintf("%s, %s, %s, %s", m.CPU, plural(m.Cores, "core"), m.OS, m.Go))
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
