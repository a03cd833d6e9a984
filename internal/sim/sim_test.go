package sim

import (
	"context"
	"flag"
	"hash/fnv"
	"runtime"
	"testing"
	"time"
)

var (
	seedFlag  = flag.Uint64("sim.seed", 0, "simulate this seed only, and print its trace")
	seedsFlag = flag.Uint64("sim.seeds", 0, "number of seeds to simulate, with and without planted bugs")
)

// seeds is n, or a tenth of it with -short, unless the flag says otherwise.
func seeds(n uint64) uint64 {
	switch {
	case *seedsFlag != 0:
		return *seedsFlag
	case testing.Short():
		return n / 10
	}
	return n
}

func TestSeeds(t *testing.T) {
	first, n, cfg := uint64(1), seeds(200), Config{}
	if *seedFlag != 0 {
		first, n = *seedFlag, 1
		cfg.Trace = func(line string) { t.Log(line) }
	}
	var sum Counts
	var steps int
	var simulated time.Duration
	began := time.Now()
	err := RunMany(context.Background(), cfg, first, n, runtime.GOMAXPROCS(0), func(s Seed) bool {
		if s.Err != nil {
			t.Errorf("seed %d: after %d steps: %v\nreplay it with: holdfast simulate --seed %d --trace", s.Number, s.Steps, s.Err, s.Number)
		}
		sum.Add(s.Counts)
		steps += s.Steps
		simulated += s.Time
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d seeds in %v, %d steps and %v each: %+v", n, time.Since(began).Round(time.Millisecond), steps/int(n), simulated/time.Duration(n), sum)
	if n < 100 {
		return
	}
	// The seeds must go where mistakes would hide.
	for what, count := range map[string]int{
		"claims": sum.Claims, "moves": sum.Moves, "rolled back moves": sum.Rollbacks, "ended lives": sum.Ends,
		"failures": sum.Failures, "checkpoints": sum.Checkpoints, "purges": sum.Purges, "removed logs": sum.Swept,
		"listings after a compaction": sum.Relists, "purchases": sum.Bought, "refusals": sum.Refused, "reads": sum.Reads,
		"forwarded commands": sum.Forwarded,
	} {
		if count < int(n)/10 {
			t.Errorf("%d %s in %d seeds", count, what, n)
		}
	}
}

// The same seed gives the same run, whatever happens at the same time.
func TestSeedDecidesEverything(t *testing.T) {
	trace := func(seed uint64) (lines int, sum uint64) {
		h := fnv.New64a()
		if _, err := Run(Config{Seed: seed, Trace: func(line string) { lines++; _, _ = h.Write([]byte(line)) }}); err != nil {
			t.Fatal(err)
		}
		return lines, h.Sum64()
	}
	last := uint64(4)
	if testing.Short() {
		last = 1
	}
	for seed := uint64(1); seed <= last; seed++ {
		lines, sum := trace(seed)
		again, same := trace(seed)
		if lines != again || sum != same || lines < 100 {
			t.Errorf("seed %d: %d lines (%x), then %d (%x)", seed, lines, sum, again, same)
		}
	}
}
