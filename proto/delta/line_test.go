package delta

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A line knows which of its points lean on it: the keyframe counts them.
func TestLineKnowsItsLeaningPoints(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	r := rand.New(rand.NewPCG(seed, 1))
	for range 300 {
		start, slope := r.Float64(), r.Float64()*60-30
		if r.IntN(3) == 0 {
			slope = float64(r.IntN(40)-20) / float64(1+r.IntN(12))
		}
		at := func(i int) int32 { return int32(math.Round(start + slope*float64(i))) }
		l := line{b: 1}
		bends := 0
		for i := 1; i < 3*maxLine/2; i++ {
			f, step := l.forecast(), at(i)-at(i-1)
			if !f.allows(step) {
				bends++
			}
			l.take(&f, step)
			up, low := l.lean()
			whole := l.n <= int32(i) && i < maxLine // has not forgotten its beginning
			if whole && (up != l.up1 || low != l.low1) || (up-l.up1)%l.b != 0 || (low-l.low1)%l.b != 0 {
				t.Fatalf("seed %d, slope %v, point %d: %+v leans at %d and %d", seed, slope, i, l, up, low)
			}
			if whole && (l.up0 >= l.b || l.low0 >= l.b) {
				t.Fatalf("seed %d, slope %v, point %d: %+v has forgotten leaning points", seed, slope, i, l)
			}
		}
		// One when it begins to move, and some where a slope was believed too soon.
		if bends > 1+3*maxLine/2/maxPeriods {
			t.Errorf("seed %d, slope %v: %d bends in one line", seed, slope, bends)
		}
	}
}
