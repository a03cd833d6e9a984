package top

import (
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"
)

// column is one column of a table.
type column struct {
	title string
	// weight decides which columns stay where there is no room for all: the
	// heaviest.
	weight int
	left   bool // aligned to the left
}

// gap is what stands between two columns.
const gap = 2

// layout lines up the cells of rows under their columns, in at most width
// characters: columns that do not fit are left out, and what is too long even so
// is cut. The first line is that of the titles.
func layout(columns []column, rows [][]string, width int) []string {
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = lipgloss.Width(c.title)
		for _, r := range rows {
			widths[i] = max(widths[i], lipgloss.Width(r[i]))
		}
	}
	shown := make([]int, len(columns))
	total := -gap
	for i := range columns {
		shown[i] = i
		total += widths[i] + gap
	}
	for total > width && len(shown) > 1 {
		lightest := slices.IndexFunc(shown, func(i int) bool {
			return !slices.ContainsFunc(shown, func(j int) bool { return columns[j].weight < columns[i].weight })
		})
		total -= widths[shown[lightest]] + gap
		shown = slices.Delete(shown, lightest, lightest+1)
	}
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = c.title
	}
	lines := make([]string, 0, len(rows)+1)
	for _, row := range append([][]string{titles}, rows...) {
		var b strings.Builder
		for n, i := range shown {
			if n > 0 {
				b.WriteString(strings.Repeat(" ", gap))
			}
			pad := strings.Repeat(" ", widths[i]-lipgloss.Width(row[i]))
			if columns[i].left {
				b.WriteString(row[i] + pad)
			} else {
				b.WriteString(pad + row[i])
			}
		}
		lines = append(lines, cut(strings.TrimRight(b.String(), " "), width))
	}
	return lines
}

// cut shortens a line to width characters.
func cut(line string, width int) string {
	if width <= 0 {
		return ""
	}
	return lipgloss.NewStyle().Inline(true).MaxWidth(width).Render(line)
}
