package replay

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/bench/tape"
)

// BenchmarkAccuracy replays pings at 10,000/s for two seconds against a server in
// a process of its own that only answers, and says how late they were sent, and
// what one costs the generator.
func BenchmarkAccuracy(b *testing.B) {
	const conns, rate = 200, 10_000
	file := pings(b, conns, 2*rate, time.Second/rate)
	var delay, processor float64
	for b.Loop() {
		delay, processor = againstNothing(b, false, Config{Tape: file, Workers: 1, Speed: 1})
	}
	b.ReportMetric(delay, "ms-p99-late")
	b.ReportMetric(processor, "µs-cpu/request")
}

// BenchmarkThroughput has as many under way as there are connections.
func BenchmarkThroughput(b *testing.B) {
	file := pings(b, 200, 200_000, time.Microsecond)
	for _, scheme := range []string{"ws", "wss"} {
		b.Run(scheme, func(b *testing.B) {
			var processor float64
			for b.Loop() {
				_, processor = againstNothing(b, scheme == "wss", Config{Tape: file, Workers: 1, Unpaced: true})
			}
			b.ReportMetric(processor, "µs-cpu/request")
			b.ReportMetric(1e6/processor, "requests/s/core")
		})
	}
}

// pings is a tape of so many requests, in turn on so many connections.
func pings(b testing.TB, conns, requests int, apart time.Duration) string {
	file := filepath.Join(b.TempDir(), "pings.tape")
	w, err := tape.Create(file, tape.Header{Started: time.Unix(1, 0)})
	if err != nil {
		b.Fatal(err)
	}
	put := func(r *tape.Record) {
		if err := w.Append(r); err != nil {
			b.Fatal(err)
		}
	}
	for c := range conns {
		put(opened(0, uint64(c), fmt.Sprintf("p%d", c)))
	}
	frame := []byte{8, 2, fieldPing<<3 | 2, 0}
	for n := range requests {
		put(&tape.Record{Kind: tape.Received, At: time.Second + time.Duration(n)*apart, Conn: uint64(n % conns), Frame: frame})
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return file
}

const fieldPing = 3

// againstNothing is the delay at the 99th percentile in milliseconds, and the
// processor time of a request in microseconds.
func againstNothing(b *testing.B, secured bool, cfg Config) (late, processor float64) {
	b.Helper()
	r := alone(b, secured, cfg)
	if err := r.work(b.Context()); err != nil {
		b.Fatal(err)
	}
	if r.counts.done != r.survey.requests {
		b.Errorf("got %d answers, want %d", r.counts.done, r.survey.requests)
	}
	return float64(r.delay.ValueAtQuantile(99)) / 1e6, float64(r.counts.processor.Microseconds()) / float64(r.counts.sent)
}

// alone is a replay against a server that only answers, in a process of its own,
// and has no books.
func alone(t testing.TB, secured bool, cfg Config) *run {
	t.Helper()
	args := []string{"null"}
	if secured {
		ca, host := identify(t)
		cfg.Target.CA = ca
		args = append(args, save(t, host)...)
	}
	server := exec.Command(os.Args[0], args...)
	server.Stderr = os.Stderr
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	cfg.Target.Secret, cfg.Prefix = "secret", "r-"
	if _, err := fmt.Fscanln(out, &cfg.Target.URL); err != nil {
		t.Fatal(err)
	}
	r := &run{Config: cfg.withDefaults(), latency: figures.NewHistogram(), delay: figures.NewHistogram(), ledger: newLedger()}
	if r.survey, err = look(cfg.Tape, r.Speed); err != nil {
		t.Fatal(err)
	}
	return r
}
