package zone

import "github.com/cespare/xxhash/v2"

// random is a source of numbers that look random: SplitMix64 (Steele, Lea and
// Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014). A zone's
// name seeds it, so that the same intents at the same ticks give the same world.
type random uint64

func seeded(name string) random { return random(xxhash.Sum64String(name)) }

func (r *random) next() uint64 {
	*r += 0x9E3779B97F4A7C15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// float returns a number from 0 up to 1.
func (r *random) float() float64 { return float64(r.next()>>11) / (1 << 53) }

// between returns a number from a up to b.
func (r *random) between(a, b float64) float64 { return a + (b-a)*r.float() }

// below returns a number from 0 up to n.
func (r *random) below(n int) int { return int(r.next() % uint64(n)) }
