package figures

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
)

// Table is two columns of text for people.
type Table struct {
	w *tabwriter.Writer // keeps its first error for Flush
}

// NewTable returns a table that Flush writes to w.
func NewTable(w io.Writer) Table { return Table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)} }

// Row adds a row of both columns.
func (t Table) Row(name, value string) { fmt.Fprintf(t.w, "%s\t%s\n", name, value) }

// Line adds a line that is no row.
func (t Table) Line(s string) { fmt.Fprintln(t.w, s) }

// Blank adds an empty line.
func (t Table) Blank() { fmt.Fprintln(t.w) }

// Flush writes the table.
func (t Table) Flush() error { return t.w.Flush() }

// Latency adds a row of one.
func (t Table) Latency(l Latency) {
	t.Row("Latency", fmt.Sprintf("mean %.2f  p50 %.2f  p99 %.2f  p99.9 %.2f  max %.2f ms", l.Mean, l.P50, l.P99, l.P999, l.Max))
}

// Machine adds a row of one.
func (t Table) Machine(m Machine) {
	t.Row("Machine", fmt.Sprintf("%s, %s, %s, %s", m.CPU, Plural(m.Cores, "core"), m.OS, m.Go))
}

// Plural counts regular nouns: 1 player, 2 players.
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Thousands writes 1234567 as 1,234,567.
func Thousands(n int64) string {
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
