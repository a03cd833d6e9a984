package world

import (
	"github.com/holdfast-game/holdfast/bench/figures"
)

// Figures are those of one measurement.
type Figures struct {
	Viewers int `json:"viewers"`
	// BytesPerViewerPerSecond is what a viewer reads from its socket, WebSocket
	// heads included.
	BytesPerViewerPerSecond float64 `json:"bytes_per_viewer_per_second"`
	// Ratio is how many times as large full snapshots of the same ticks would be
	// as protobuf, WebSocket heads included.
	Ratio float64 `json:"ratio"`
	// LatencyMs is from when a tick was due to when a viewer had read its frame,
	// over all frames of all viewers.
	LatencyMs figures.Latency `json:"latency_ms"`
	// Hz is the frames that a viewer received in a second.
	Hz     float64 `json:"hz"`
	Frames int64   `json:"frames"`
	// Lost counts frames that did not come within a second, Conflated those that
	// a keyframe stood for.
	Lost      int64 `json:"lost"`
	Conflated int64 `json:"conflated"`
	// Undecodable counts what could not be decoded, of what was: all that some
	// viewers were sent. All others were sent the same bytes.
	Undecodable int64 `json:"undecodable"`
	// Disconnected counts viewers that the server has cut off.
	Disconnected int `json:"disconnected"`
	// ServerCPUPercent is the server's processor time, 100 for one core, in its own
	// process, the kernel's for it included. ClientCPUPercent is the viewers'.
	ServerCPUPercent float64 `json:"server_cpu_percent"`
	ClientCPUPercent float64 `json:"client_cpu_percent"`
	// ServerRSSBytes is the server's memory at the end, ServerPeakBytes the most it
	// ever had; 0: not known.
	ServerRSSBytes  int64 `json:"server_rss_bytes"`
	ServerPeakBytes int64 `json:"server_peak_bytes"`
}

// Report says how a world was shown. With stalled viewers its figures are those of
// the others meanwhile.
type Report struct {
	Figures
	Stalled    *Stalled        `json:"stalled,omitempty"`
	Max        *Max            `json:"max,omitempty"`
	Baseline   *Baseline       `json:"baseline,omitempty"`
	Parameters Parameters      `json:"parameters"`
	Machine    figures.Machine `json:"machine"`
}

// Stalled is what became of viewers that stopped reading.
type Stalled struct {
	Viewers int `json:"viewers"`
	// Conflated counts frames that a keyframe stood for when they read again, Lost
	// those that nothing did.
	Conflated int64 `json:"conflated"`
	Lost      int64 `json:"lost"`
	// CutOff counts those that the server has disconnected.
	CutOff int `json:"cut_off"`
	// Before is the measurement before they stalled, of all viewers.
	Before Figures `json:"before"`
	// P99Ratio is the others' 99th percentile over that of all before.
	P99Ratio float64 `json:"p99_ratio"`
}

// Max is the largest number of viewers for whom the world was held.
type Max struct {
	Viewers int `json:"viewers"`
	// AtLeast: no more were tried.
	AtLeast bool   `json:"at_least"`
	Steps   []Step `json:"steps"`
}

// Step is one number of viewers that was tried.
type Step struct {
	Viewers          int     `json:"viewers"`
	Held             bool    `json:"held"`
	Hz               float64 `json:"hz"`
	P99              float64 `json:"p99"`
	Lost             int64   `json:"lost"`
	Conflated        int64   `json:"conflated"`
	Disconnected     int     `json:"disconnected"`
	ServerCPUPercent float64 `json:"server_cpu_percent"`
	ClientCPUPercent float64 `json:"client_cpu_percent"`
}

// Baseline is the same world, shown by a bare server as full snapshots.
type Baseline struct {
	Figures
	// P99Ratio, CPURatio and BytesRatio are Holdfast's over the bare server's:
	// below 1 it is better.
	P99Ratio   float64 `json:"p99_ratio"`
	CPURatio   float64 `json:"cpu_ratio"`
	BytesRatio float64 `json:"bytes_ratio"`
	Max        *Max    `json:"max,omitempty"`
}

// Parameters are those that tell one run from another.
type Parameters struct {
	Viewers         int     `json:"viewers"`
	Entities        int     `json:"entities"`
	Hz              int     `json:"hz"`
	DurationSeconds float64 `json:"seconds"`
	Mood            string  `json:"mood"`
	Stalled         float64 `json:"stalled"`
	// OwnNode: the node was started for this run, on the same machine.
	OwnNode bool `json:"own_node"`
}

// OK is true when every viewer that read was sent everything, or a keyframe for
// it, and all that was looked into could be decoded.
func (r *Report) OK() bool {
	return r.Lost == 0 && r.Undecodable == 0 && r.Disconnected == 0 && (r.Stalled == nil || r.Stalled.Lost == 0)
}
