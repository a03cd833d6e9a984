package chaos

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	// lead is between the start of the load and the first fault: clients connect.
	lead = 3 * time.Second
	// tail is between the last fault's end and that of the load: all is to be
	// served again while there is load.
	tail = 8 * time.Second

	// overlap is the share of faults that begin while the one before is at work.
	overlap = 0.3
	// shortGap and longGap bound the pause after a fault that is over.
	shortGap, longGap = 1 * time.Second, 3 * time.Second
	// steerGap is the mean pause between two doings of operators.
	steerGap = 4 * time.Second
)

// Schedule returns the faults of a campaign in the order of their beginnings.
// The same configuration gives the same schedule.
func Schedule(cfg Config) []Fault {
	cfg = cfg.withDefaults()
	random := rand.New(rand.NewPCG(cfg.Seed, 0xc4a05))
	end := cfg.For - tail
	var all []Fault
	for _, steering := range []bool{false, true} {
		bag := newBag(cfg, steering, random)
		at := lead
		for len(bag.kinds) > 0 {
			k := bag.draw()
			f := Fault{Kind: k, At: at, For: kinds[k].length(cfg, random), Dice: random.Uint64()}
			if f.At+f.For > end {
				break
			}
			all = append(all, f)
			at += nextAfter(f, steering, random)
		}
	}
	slices.SortStableFunc(all, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
	return all
}

// nextAfter is the time from the beginning of a fault to that of the next.
func nextAfter(f Fault, steering bool, random *rand.Rand) time.Duration {
	switch {
	case steering:
		return f.For + between(random, steerGap/2, steerGap*3/2)
	case random.Float64() < overlap:
		return between(random, f.For/4, f.For*3/4)
	default:
		return f.For + between(random, shortGap, longGap)
	}
}

func (k *kind) length(cfg Config, random *rand.Rand) time.Duration {
	if k.leases > 0 {
		return time.Duration(k.leases * float64(cfg.LeaseTTL))
	}
	return between(random, k.shortest, k.longest)
}

func between(random *rand.Rand, low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + time.Duration(random.Int64N(int64(high-low))).Round(time.Millisecond)
}

// bag gives kinds in random order, each as often as the others.
type bag struct {
	kinds  []Kind
	left   []Kind
	random *rand.Rand
}

func newBag(cfg Config, steering bool, random *rand.Rand) *bag {
	b := &bag{random: random}
	for _, k := range Kinds() {
		if kinds[k].steering == steering && kinds[k].members <= cfg.Members && slices.Contains(cfg.Faults, k) {
			b.kinds = append(b.kinds, k)
		}
	}
	return b
}

func (b *bag) draw() Kind {
	if len(b.left) == 0 {
		b.left = slices.Clone(b.kinds)
		b.random.Shuffle(len(b.left), func(i, j int) { b.left[i], b.left[j] = b.left[j], b.left[i] })
	}
	k := b.left[0]
	b.left = b.left[1:]
	return k
}
