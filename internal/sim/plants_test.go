package sim

import (
	"context"
	"runtime"
	"testing"
	"time"
)

// TestPlants breaks one rule after the other, and wants each to be noticed.
// -sim.seeds simulates as many seeds of each, to say in what share it is.
func TestPlants(t *testing.T) {
	if testing.Short() {
		t.Skip("whether a bug is noticed takes all seeds to say")
	}
	for _, p := range Plants() {
		t.Run(p.Name, func(t *testing.T) {
			began := time.Now()
			if *seedsFlag == 0 {
				r, err := Run(Config{Plant: p.Name, Seed: Witness(p.Name)})
				if err != nil {
					t.Fatal(err)
				}
				if r.Err != nil {
					t.Logf("found by seed %d: %v", Witness(p.Name), r.Err)
					return
				}
			}
			n := seeds(1500)
			var found, tried int
			var first Seed
			err := RunMany(context.Background(), Config{Plant: p.Name}, 1, n, runtime.GOMAXPROCS(0), func(s Seed) bool {
				tried++
				if s.Err != nil {
					if found++; found == 1 || s.Number < first.Number {
						first = s
					}
				}
				return found == 0 || *seedsFlag > 0
			})
			if err != nil {
				t.Fatal(err)
			}
			took := time.Since(began).Round(time.Millisecond)
			if found == 0 {
				t.Fatalf("not found in %d seeds, %v", tried, took)
			}
			t.Logf("found in %d of %d seeds (%.2f %%), %v; seed %d: %v", found, tried, 100*float64(found)/float64(tried), took, first.Number, first.Err)
		})
	}
}

func TestUnknownPlant(t *testing.T) {
	if _, err := Run(Config{Seed: 1, Plant: "no-such"}); err == nil {
		t.Error("a bug that does not exist was planted")
	}
}
