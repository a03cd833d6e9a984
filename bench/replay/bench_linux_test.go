package replay

import (
	"syscall"
	"testing"
	"time"
)

// BenchmarkConnections has 4,000 players connect, ask once each, and stay until all
// have.
func BenchmarkConnections(b *testing.B) {
	const conns = 4000
	file := pings(b, conns, 2*conns, 2*time.Millisecond)
	for _, scheme := range []string{"ws", "wss"} {
		b.Run(scheme, func(b *testing.B) {
			var used *syscall.Rusage
			for b.Loop() {
				r := alone(b, scheme == "wss", Config{Tape: file, Workers: 1, Speed: 1})
				if err := r.work(b.Context()); err != nil {
					b.Fatal(err)
				}
				used = r.crew[0].cmd.ProcessState.SysUsage().(*syscall.Rusage)
			}
			b.ReportMetric(float64(used.Maxrss)/1024, "MiB")
		})
	}
}
