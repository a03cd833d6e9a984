package synth

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// chance is one player's dice: what others do does not change how they fall.
type chance struct{ pcg rand.PCG }

func (c *chance) seed(seed, player uint64) { c.pcg.Seed(seed, player) }

// float is 0 to less than 1.
func (c *chance) float() float64 { return float64(c.pcg.Uint64()>>11) / (1 << 53) }

// signed is -1 to less than 1.
func (c *chance) signed() float64 { return 2*c.float() - 1 }

func (c *chance) below(n int) int { return int(c.float() * float64(n)) }

// normal is from the standard normal distribution (Box and Muller, 1958).
func (c *chance) normal() float64 {
	return math.Sqrt(-2*math.Log(1-c.float())) * math.Cos(2*math.Pi*c.float())
}

// longest keeps the tail of a distribution from overflowing times.
const longest = 1000 * time.Hour

func (c *chance) span(s Span) time.Duration {
	return time.Duration(min(float64(s.Median)*math.Exp(s.Spread*c.normal()), float64(longest)))
}

// arrival is a moment for an arrival.
func (c *chance) arrival(a Arrival) time.Duration {
	u := c.float()
	switch a.Shape {
	case "rush": // density rises with the square of the time
		u = math.Cbrt(u)
	case "wave": // density sin²
		u = wave(u)
	}
	return a.From + time.Duration(u*float64(a.To-a.From))
}

// wave inverts x - sin(2πx)/2π, the distribution whose density is 2 sin²(πx).
func wave(u float64) float64 {
	low, high := 0.0, 1.0
	for range 40 {
		x := (low + high) / 2
		if x-math.Sin(2*math.Pi*x)/(2*math.Pi) < u {
			low = x
		} else {
			high = x
		}
	}
	return low
}

// popularity is a distribution over 1 to its length.
type popularity []float64 // cumulated

// zipf has the k-th of n as popular as 1/k^s.
func zipf(n int, s float64) popularity {
	p, sum := make(popularity, n), 0.0
	for k := range p {
		sum += math.Pow(float64(k+1), -s)
		p[k] = sum
	}
	return p
}

func (p popularity) pick(c *chance) int {
	i, _ := slices.BinarySearch(p, c.float()*p[len(p)-1])
	return min(i, len(p)-1) + 1
}
