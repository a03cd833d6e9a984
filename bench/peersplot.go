package bench

import (
	"fmt"
	"html"
	"io"
	"math"
	"slices"
	"strings"
)

// Measures of a plot, in pixels.
const (
	plotWidth  = 860
	plotTop    = 58  // above the first group
	plotLeft   = 230 // for the titles
	plotRight  = 190 // for the figures behind the bars
	plotBar    = 20
	plotStep   = 28 // from bar to bar
	plotGroup  = 44 // from group to group, besides the bars
	plotBottom = 44
)

// plotColours are of Holdfast, of the ceiling, and of everybody else.
var plotColours = map[string]string{holdfastName: "#1f6feb", echoName: "#c9ced6", "": "#8b95a5"}

// WritePlot draws the rates as bars, from nought and to scale: medians, with a line
// from the slowest to the fastest round.
func (r *PeersReport) WritePlot(w io.Writer) error {
	top := 0.0
	for _, row := range r.Rows {
		top = max(top, row.PerSecond.Most)
	}
	step := plotTick(top)
	top = max(step, math.Ceil(top/step)*step)
	x := func(rate float64) float64 { return plotLeft + rate/top*(plotWidth-plotLeft-plotRight) }

	var b strings.Builder
	y := plotTop
	var bars strings.Builder
	for i, row := range r.Rows {
		if i == 0 || row.Connections != r.Rows[i-1].Connections {
			if i > 0 {
				y += plotGroup - plotStep + plotBar
			}
			fmt.Fprintf(&bars, `<text x="16" y="%d" class="group">%d connections</text>`+"\n", y-8, row.Connections)
		}
		row.plot(&bars, x, y)
		y += plotStep
	}
	height := y + plotBottom
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[2]d" width="%[1]d" height="%[2]d" role="img" aria-label="Purchases a second, side by side">
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-size: 16px; font-weight: 600 }
.group { font-weight: 600 }
.name { text-anchor: end }
.axis { font-size: 11px; fill: #57606a; text-anchor: middle }
.grid { stroke: #e4e7eb }
.spread { stroke: #24292f; stroke-width: 1.2 }
</style>
<rect width="%[1]d" height="%[2]d" fill="#ffffff"/>
<text x="16" y="26" class="title">Purchases a second, the same client and the same purchase</text>
`, plotWidth, height)
	for rate := 0.0; rate <= top; rate += step {
		fmt.Fprintf(&b, `<line x1="%[1]g" x2="%[1]g" y1="%[2]d" y2="%[3]d" class="grid"/><text x="%[1]g" y="%[4]d" class="axis">%[5]s</text>`+"\n",
			math.Round(x(rate)), plotTop-4, height-plotBottom+4, height-plotBottom+20, thousands(rate))
	}
	b.WriteString(bars.String())
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *PeersRow) plot(b *strings.Builder, x func(float64) float64, y int) {
	colour, ok := plotColours[r.Name]
	if !ok {
		colour = plotColours[""]
	}
	note := thousands(r.PerSecond.Median)
	if r.Name != holdfastName && r.Ratio.Median > 0 {
		note += fmt.Sprintf(" · Holdfast %s ×", short(r.Ratio.Median))
	}
	middle := y + plotBar/2
	fmt.Fprintf(b, `<text x="%d" y="%d" class="name">%s</text>`, plotLeft-10, middle+4, html.EscapeString(r.Title))
	fmt.Fprintf(b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`, plotLeft, y, x(r.PerSecond.Median)-plotLeft, plotBar, colour)
	fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="%[3]d" y2="%[3]d" class="spread"/>`, x(r.PerSecond.Least), x(r.PerSecond.Most), middle)
	fmt.Fprintf(b, `<text x="%.1f" y="%d">%s</text>`+"\n", x(r.PerSecond.Most)+8, middle+4, note)
}

// plotTick is a round distance for about five lines up to top.
func plotTick(top float64) float64 {
	if top <= 0 {
		return 1
	}
	size := math.Pow10(int(math.Floor(math.Log10(top / 5))))
	round := []float64{1, 2, 5, 10}
	i := slices.IndexFunc(round, func(r float64) bool { return r*size*6 >= top })
	return round[i] * size
}
