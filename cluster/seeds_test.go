package cluster

import "flag"

var (
	seedFlag  = flag.Uint64("seed", 0, "run seeded tests with this seed only")
	seedsFlag = flag.Int("seeds", 0, "run seeded tests with this many seeds; 0 is each test's default")
)

// seeds yields the seeds that a test should run, of which n are its default.
func seeds(n int) func(yield func(uint64) bool) {
	if *seedsFlag > 0 {
		n = *seedsFlag
	}
	return func(yield func(uint64) bool) {
		if *seedFlag != 0 {
			yield(*seedFlag)
			return
		}
		for s := uint64(1); s <= uint64(n) && yield(s); s++ {
		}
	}
}
