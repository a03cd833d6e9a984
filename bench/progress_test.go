package bench

import (
	"strings"
	"testing"
	"time"
)

// Logs get a line a second, however often there is something to show.
func TestProgressInLines(t *testing.T) {
	var out strings.Builder
	p := NewProgress(&out)
	p.Phase("Connecting")
	for i := 1; i <= 8; i++ {
		p.Tick(Tick{
			Elapsed: time.Duration(i) * barTick, Share: float64(i) / 8, Completed: int64(1000 * i), PerSecond: 4000,
			P99: 1234567 * time.Nanosecond, SoldOut: 2, Errors: 1,
		})
	}
	p.Done()
	want := `Connecting
  1.0 s   50 %  4,000 done  4,000/s  p99 1.23ms  2 sold out  1 errors
  2.0 s  100 %  8,000 done  4,000/s  p99 1.23ms  2 sold out  1 errors
`
	if got := out.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
