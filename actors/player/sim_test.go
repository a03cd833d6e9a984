package player_test

import (
	"flag"
	"strings"
	"testing"
)

var (
	seeds = flag.Uint64("sale.seeds", 200, "how many seeds of the sale to run")
	seed  = flag.Uint64("sale.seed", 0, "run only this seed of the sale")
)

// TestSale runs sales under loss, duplication, delay and crashes, and checks
// the books during and after each.
func TestSale(t *testing.T) {
	first, last := uint64(1), *seeds
	if *seed != 0 {
		first, last = *seed, *seed
	}
	for n := first; n <= last; n++ {
		if err := runSale(newPlan(n)); err != nil {
			t.Fatalf("seed %d: %v\nrepeat with: go test ./actors/player -run TestSale -sale.seed=%d", n, err, n)
		}
	}
}

func runSale(p plan) error {
	_, err := sell(p)
	return err
}

func sell(p plan) (*sale, error) {
	s, err := newSale(p)
	if err != nil {
		return nil, err
	}
	return s, s.run()
}

// TestSaleReaches shows that the seeds lead to where mistakes would hide.
func TestSaleReaches(t *testing.T) {
	got := make(map[string]int64)
	for n := uint64(1); n <= 100; n++ {
		s, err := sell(newPlan(n))
		if err != nil {
			t.Fatalf("seed %d: %v", n, err)
		}
		for _, c := range s.clients {
			for _, r := range c.requests {
				switch {
				case r.bought != nil:
					got["bought"]++
				case r.final != nil:
					got[r.final.Code.String()]++
				case r.expire:
					got["closed unfinished"]++
				}
			}
		}
		for account, amount := range s.accounts() {
			if strings.HasSuffix(account, "/lent") {
				got["lent"] += amount
			}
		}
	}
	for _, what := range []string{
		"bought", "lent", "closed unfinished",
		"CODE_SOLD_OUT", "CODE_INSUFFICIENT_FUNDS", "CODE_NOT_FOUND",
	} {
		if got[what] < 10 {
			t.Errorf("%s: %d times, want at least 10 (all: %v)", what, got[what], got)
		}
	}
}
