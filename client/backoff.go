package client

import (
	"math/rand/v2"
	"time"
)

// backoff is the pause before the next attempt to connect: it doubles from min
// to max, and half of it is random so that the clients of a node that went away
// do not come back all at once.
type backoff struct {
	min, max time.Duration
	next     time.Duration
	random   func(n int64) int64 // rand.Int64N
}

func newBackoff(lowest, highest time.Duration) backoff {
	return backoff{min: lowest, max: highest, random: rand.Int64N}
}

func (b *backoff) pause() time.Duration {
	b.next = min(max(b.next, b.min), b.max)
	p := b.next/2 + time.Duration(b.random(int64(b.next/2)+1))
	b.next *= 2
	return p
}
