package world

import (
	"fmt"
	"io"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// WriteText prints the report for people.
func (r *Report) WriteText(w io.Writer) error {
	t := figures.NewTable(w)
	p := r.Parameters
	t.Row("World", fmt.Sprintf("%s entities (%s) at %d Hz, %s viewers, %g s", figures.Thousands(int64(p.Entities)), p.Mood, p.Hz,
		figures.Thousands(int64(p.Viewers)), p.DurationSeconds))
	r.rows(t)
	if s := r.Stalled; s != nil {
		t.Row("Stalled", fmt.Sprintf("%s: %d cut off, %s frames conflated, %s lost", figures.Plural(s.Viewers, "viewer"), s.CutOff,
			figures.Thousands(s.Conflated), figures.Thousands(s.Lost)))
		t.Row("Before", fmt.Sprintf("p99 %.2f ms, of which it is %.2f × now; memory %d MiB", s.Before.LatencyMs.P99, s.P99Ratio, s.Before.ServerRSSBytes>>20))
	}
	r.Max.row(t)
	if b := r.Baseline; b != nil {
		t.Blank()
		t.Row("Bare server", "the same entities as full snapshots, one write for each viewer")
		b.rows(t)
		b.Max.row(t)
		t.Row("Compared", fmt.Sprintf("p99 %.2f ×, processor time %.2f ×, bytes 1/%.1f", b.P99Ratio, b.CPURatio, 1/max(b.BytesRatio, 1e-9)))
	}
	t.Blank()
	t.Machine(r.Machine)
	return t.Flush()
}

func (f *Figures) rows(t figures.Table) {
	t.Row("Frames", fmt.Sprintf("%s, %.2f a second for each viewer", figures.Thousands(f.Frames), f.Hz))
	t.Latency(f.LatencyMs)
	t.Row("Bytes", fmt.Sprintf("%s a second for each viewer, full snapshots %.1f × as many", figures.Thousands(int64(f.BytesPerViewerPerSecond)), f.Ratio))
	t.Row("Missing", fmt.Sprintf("%d lost, %d conflated, %d undecodable, %d viewers disconnected", f.Lost, f.Conflated, f.Undecodable, f.Disconnected))
	t.Row("Server", fmt.Sprintf("%.1f %% of a core, %d MiB", f.ServerCPUPercent, f.ServerRSSBytes>>20))
	t.Row("Viewers", fmt.Sprintf("%.1f %% of a core", f.ClientCPUPercent))
}

func (m *Max) row(t figures.Table) {
	if m == nil {
		return
	}
	more := ""
	if m.AtLeast {
		more = ", and no more were tried"
	}
	t.Row("Most", fmt.Sprintf("%s viewers%s", figures.Thousands(int64(m.Viewers)), more))
	for _, s := range m.Steps {
		held := "held"
		if !s.Held {
			held = "not held"
		}
		t.Row("", fmt.Sprintf("%s: %s, %.2f Hz, p99 %.1f ms, server %.0f %%, viewers %.0f %%", figures.Thousands(int64(s.Viewers)), held, s.Hz, s.P99,
			s.ServerCPUPercent, s.ClientCPUPercent))
	}
}

// WriteText prints the report for people.
func (r *IdleReport) WriteText(w io.Writer) error {
	t := figures.NewTable(w)
	t.Row("Idle", figures.Thousands(int64(r.Connections))+" connections, authenticated")
	r.rows(t)
	if r.Baseline != nil {
		t.Blank()
		t.Row("Bare server", "as many connections, not authenticated")
		r.Baseline.rows(t)
	}
	t.Blank()
	t.Machine(r.Machine)
	return t.Flush()
}

func (f *IdleFigures) rows(t figures.Table) {
	t.Row("Memory", fmt.Sprintf("%.1f KiB a connection: %d MiB before, %d MiB with them", float64(f.BytesPerConnection)/1024, f.RSSBefore>>20, f.RSSAfter>>20))
	t.Row("Server", fmt.Sprintf("%.1f %% of a core while nothing happens, %d disconnected", f.ServerCPUPercent, f.Disconnected))
}

// WriteText prints the report for people.
func (r *ZonesReport) WriteText(w io.Writer) error {
	t := figures.NewTable(w)
	t.Row("Zones", fmt.Sprintf("%s of %s at %d Hz, %s watched", figures.Thousands(int64(r.Zones)), figures.Plural(r.Entities, "walker"), r.TargetHz,
		figures.Thousands(int64(r.Viewers))))
	t.Row("Cores", fmt.Sprintf("%.2f", r.Cores))
	r.rows(t)
	t.Machine(r.Machine)
	return t.Flush()
}
