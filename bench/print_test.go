package bench

import (
	"strings"
	"testing"

	"github.com/holdfast-game/holdfast/bench/figures"
)

func TestSaleReportAsText(t *testing.T) {
	r := &SaleReport{
		Purchases: 12345, PurchasesPerSecond: 2469, DurationSeconds: 5, SoldOut: 3, Sold: 12345, Left: 0,
		LatencyMs: figures.Latency{Mean: 1, P50: 2, P99: 3, P999: 4, Max: 5},
		Errors:    map[string]int64{"OVERLOADED": 2, "INTERNAL": 1},
		Verdict:   Verdict{Lost: 1, Conserved: true, Settled: true, Complaints: []string{"player ann: 1 lost"}},
		OpenLoop:  &OpenLoop{Rate: 100, Scheduled: 500, Sent: 400, Limit: "generator"},
		Parameters: SaleParameters{
			Players: 512, SKUs: 1, Quantity: 1, Stock: 1_000_000, Rate: 100,
		},
		Machine: figures.Machine{CPU: "AMD EPYC", Cores: 2, OS: "linux/amd64", Go: "go1.26"},
	}
	var out strings.Builder
	if err := r.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	want := `Sale       512 players, 1 product of 1,000,000 units, 1 a purchase, open loop at 100/s
Purchases  12,345 in 5.00 s
Rate       2,469 purchases/s
Latency    mean 1.00  p50 2.00  p99 3.00  p99.9 4.00  max 5.00 ms
Sold out   3 answers
Units      12,345 sold, 0 left
Errors     INTERNAL 1, OVERLOADED 2
Schedule   400 of 500 sent, 0 late for a busy player; generator's own delay p99 0.00 ms: the GENERATOR is the limit, these figures say little about the server
Machine    AMD EPYC, 2 cores, linux/amd64, go1.26

✓ nothing was sold that was not there
✗ no acknowledged purchase is lost
✓ nothing was bought twice, or without saying so
✓ stock and money add up in the books
✓ nothing is held or under way any more
✓ every purchase's outcome is known
  oversold 0, lost 1, duplicated 0, unresolved 0
  player ann: 1 lost
`
	if got := out.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
