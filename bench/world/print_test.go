package world

import (
	"strings"
	"testing"

	"github.com/holdfast-game/holdfast/bench/figures"
)

func TestReportsAsText(t *testing.T) {
	latency := figures.Latency{Mean: 1, P50: 2, P99: 3, P999: 4, Max: 5}
	machine := figures.Machine{CPU: "AMD EPYC", Cores: 2, OS: "linux/amd64", Go: "go1.26"}
	f := Figures{
		Viewers: 950, BytesPerViewerPerSecond: 1234.5, Ratio: 61.7, LatencyMs: latency, Hz: 20, Frames: 190_000, Conflated: 7,
		ServerCPUPercent: 17.5, ClientCPUPercent: 9, ServerRSSBytes: 90 << 20,
	}
	bare := f
	bare.BytesPerViewerPerSecond, bare.Ratio, bare.Conflated = 76_000, 1, 0
	for want, r := range map[string]figures.Report{
		`World    200 entities (crowd) at 20 Hz, 1,000 viewers, 10 s
Frames   190,000, 20.00 a second for each viewer
Latency  mean 1.00  p50 2.00  p99 3.00  p99.9 4.00  max 5.00 ms
Bytes    1,234 a second for each viewer, full snapshots 61.7 × as many
Missing  0 lost, 7 conflated, 0 undecodable, 0 viewers disconnected
Server   17.5 % of a core, 90 MiB
Viewers  9.0 % of a core
Stalled  50 viewers: 2 cut off, 8 frames conflated, 0 lost
Before   p99 3.00 ms, of which it is 1.10 × now; memory 90 MiB
Most     1,000 viewers, and no more were tried
         1,000: held, 20.00 Hz, p99 12.0 ms, server 30 %, viewers 20 %

Bare server  the same entities as full snapshots, one write for each viewer
Frames       190,000, 20.00 a second for each viewer
Latency      mean 1.00  p50 2.00  p99 3.00  p99.9 4.00  max 5.00 ms
Bytes        76,000 a second for each viewer, full snapshots 1.0 × as many
Missing      0 lost, 0 conflated, 0 undecodable, 0 viewers disconnected
Server       17.5 % of a core, 90 MiB
Viewers      9.0 % of a core
Compared     p99 0.50 ×, processor time 0.90 ×, bytes 1/62.5

Machine  AMD EPYC, 2 cores, linux/amd64, go1.26
`: &Report{
			Figures: f, Stalled: &Stalled{Viewers: 50, CutOff: 2, Conflated: 8, P99Ratio: 1.1, Before: f},
			Max:        &Max{Viewers: 1000, AtLeast: true, Steps: []Step{{Viewers: 1000, Held: true, Hz: 20, P99: 12, ServerCPUPercent: 30, ClientCPUPercent: 20}}},
			Baseline:   &Baseline{Figures: bare, P99Ratio: 0.5, CPURatio: 0.9, BytesRatio: 0.016},
			Parameters: Parameters{Viewers: 1000, Entities: 200, Hz: 20, DurationSeconds: 10, Mood: "crowd"}, Machine: machine,
		},
		`Idle    10,000 connections, authenticated
Memory  12.0 KiB a connection: 90 MiB before, 207 MiB with them
Server  2.0 % of a core while nothing happens, 0 disconnected

Bare server  as many connections, not authenticated
Memory       17.6 KiB a connection: 30 MiB before, 202 MiB with them
Server       0.0 % of a core while nothing happens, 1 disconnected

Machine  AMD EPYC, 2 cores, linux/amd64, go1.26
`: &IdleReport{
			Connections: 10_000, IdleFigures: IdleFigures{RSSBefore: 90 << 20, RSSAfter: 207 << 20, BytesPerConnection: 12 << 10, ServerCPUPercent: 2},
			Baseline: &IdleFigures{RSSBefore: 30 << 20, RSSAfter: 202 << 20, BytesPerConnection: 18_022, Disconnected: 1}, Machine: machine,
		},
		`Zones    1,000 of 10 walkers at 20 Hz, 950 watched
Cores    0.44
Frames   190,000, 20.00 a second for each viewer
Latency  mean 1.00  p50 2.00  p99 3.00  p99.9 4.00  max 5.00 ms
Bytes    1,234 a second for each viewer, full snapshots 61.7 × as many
Missing  0 lost, 7 conflated, 0 undecodable, 0 viewers disconnected
Server   17.5 % of a core, 90 MiB
Viewers  9.0 % of a core
Machine  AMD EPYC, 2 cores, linux/amd64, go1.26
`: &ZonesReport{Zones: 1000, Entities: 10, Figures: f, Cores: 0.44, TargetHz: 20, Machine: machine},
	} {
		var out strings.Builder
		if err := figures.Print(&out, r, false); err != nil || out.String() != want {
			t.Errorf("got %v:\n%s\nwant:\n%s", err, out.String(), want)
		}
	}
}
