package bench

import (
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/bench/report"
)

// SaleReport is the outcome of a sale.
type SaleReport struct {
	Purchases          int64   `json:"purchases"`
	PurchasesPerSecond float64 `json:"purchases_per_second"`
	// LatencyMs is that of purchases; refusals are not in it.
	LatencyMs figures.Latency `json:"latency_ms"`
	SoldOut   int64           `json:"sold_out"`
	// Errors counts other refusals, by code, each repetition of a request by
	// itself, and DISCONNECTED.
	Errors map[string]int64 `json:"errors"`
	// Unresolved counts purchases of which nobody knows what became of them.
	Unresolved int64 `json:"unresolved"`

	Verdict
	// Sold and Left are units, over all products.
	Sold int64 `json:"sold"`
	Left int64 `json:"left"`

	DurationSeconds float64         `json:"duration_seconds"`
	OpenLoop        *OpenLoop       `json:"open_loop,omitempty"`
	Parameters      SaleParameters  `json:"parameters"`
	Machine         figures.Machine `json:"machine"`
	// Run has all of it second by second, with Record.
	Run *report.Run `json:"-"`
}

// SaleParameters are those that tell one sale from another.
type SaleParameters struct {
	Players         int     `json:"players"`
	DurationSeconds float64 `json:"seconds"`
	Attempts        int64   `json:"attempts"`
	Rate            float64 `json:"rate"`
	Outstanding     int     `json:"outstanding"`
	SKUs            int     `json:"skus"`
	Stock           int64   `json:"stock"`
	Slices          int     `json:"slices"`
	Quantity        int64   `json:"quantity"`
	Seed            uint64  `json:"seed"`
	// OwnNode: the node was started for this sale, on the same machine.
	OwnNode bool `json:"own_node"`
}

// Check is one thing that must hold after a sale.
type Check struct {
	Name string
	OK   bool
}

// Checks are what must hold after every sale.
func (r *SaleReport) Checks() []Check {
	return []Check{
		{"nothing was sold that was not there", r.Oversold == 0},
		{"no acknowledged purchase is lost", r.Lost == 0},
		{"nothing was bought twice, or without saying so", r.Duplicated == 0},
		{"stock and money add up in the books", r.Conserved},
		{"nothing is held or under way any more", r.Settled},
		{"every purchase's outcome is known", r.Unresolved == 0},
	}
}

// OK is true when every check holds.
func (r *SaleReport) OK() bool {
	for _, c := range r.Checks() {
		if !c.OK {
			return false
		}
	}
	return true
}

func (s *sale) report(spent time.Duration, open *OpenLoop, b *Books, v Verdict) *SaleReport {
	_, t := s.recorder.drain()
	r := &SaleReport{
		Purchases: t.successes(), PurchasesPerSecond: figures.PerSecond(t.successes(), spent),
		LatencyMs: figures.NewLatency(t.latency), SoldOut: t.soldOut,
		Errors: t.errorsByName(), Unresolved: t.unresolved,
		Verdict: v, DurationSeconds: figures.Round(spent.Seconds(), 3), OpenLoop: open, Machine: figures.ThisMachine(),
		Parameters: SaleParameters{
			Players: s.Players, DurationSeconds: s.Duration.Seconds(), Attempts: s.Attempts, Rate: s.Rate,
			SKUs: s.SKUs, Stock: s.Stock, Slices: s.Slices, Quantity: s.Quantity, Seed: s.Seed,
			OwnNode: s.URL == "",
		},
	}
	if open != nil {
		r.Parameters.Outstanding = s.Outstanding
	} else {
		r.Parameters.Outstanding = 1
	}
	for _, p := range s.products {
		r.Sold += b.Total["stock/"+p.sku+"/sold"]
		r.Left += b.Total["stock/"+p.sku+"/free"]
	}
	return r
}

// EchoReport is the ceiling of a machine: what the same client reaches with a
// server that does nothing.
type EchoReport struct {
	Requests          int64            `json:"requests"`
	RequestsPerSecond float64          `json:"requests_per_second"`
	LatencyMs         figures.Latency  `json:"latency_ms"`
	Errors            map[string]int64 `json:"errors"`
	DurationSeconds   float64          `json:"duration_seconds"`
	Parameters        EchoParameters   `json:"parameters"`
	Machine           figures.Machine  `json:"machine"`
}

// EchoParameters are those that tell one measurement from another.
type EchoParameters struct {
	Connections     int     `json:"connections"`
	DurationSeconds float64 `json:"seconds"`
	// FrameBytes is the size of a request and of its echo.
	FrameBytes int `json:"frame_bytes"`
}
