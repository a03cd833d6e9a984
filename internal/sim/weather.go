package sim

import (
	"math/rand/v2"
	"time"
)

// weather is what kind of world a seed makes.
type weather struct {
	nodes, shards    int
	players          int
	products, slices int
	units            int64 // in one share of a product's stock, at most
	funds            int64 // of each player
	orders           int   // that a player's table holds
	holdAsk          time.Duration
	pause            time.Duration // between two requests of a client, at most

	ttl             time.Duration
	drift           float64 // of a node's clocks, at most
	checkpointEvery time.Duration
	purgeEvery      time.Duration
	linger          time.Duration // within a node: mailboxes, and the committer's goroutine
	entry           int           // records in a log entry, about
	window          int           // entries in flight
	ackTimeout      time.Duration
	sync            time.Duration // how long writing an entry takes, at most

	lose, double float64 // of a message
	latency      time.Duration
	crawl        float64 // of a message, to take about crawling
	crawling     time.Duration
	behind       float64       // of a read of the log, that a replica answers that is behind
	lateWatch    float64       // of what a watch brings, to a node
	lateRoutes   float64       // and to a gateway
	ambush       float64       // of a transaction, to go unanswered for long
	starve       float64       // of a pause of a member's loops, to be much longer
	faults       time.Duration // from one to the next, about
	sweep        float64       // of a purge, to be followed by a sweep
	moves        float64       // of a look of the planner, to have a shard moved
}

func newWeather(r *rand.Rand, b *bug) weather {
	between := func(a, b time.Duration) time.Duration { return a + time.Duration(r.Int64N(int64(b-a)+1)) }
	x := weather{
		nodes: 2 + r.IntN(3), shards: 2 + r.IntN(3),
		players: 2 + r.IntN(4), products: 1 + r.IntN(2), slices: 3,
		units: 4 + r.Int64N(60), funds: 100 + r.Int64N(1000), orders: 4 + r.IntN(8),
		holdAsk: between(time.Second, 5*time.Second), pause: between(300*time.Millisecond, 2*time.Second),
		ttl: time.Duration(1+r.IntN(4)) * time.Second, drift: 0.1 * r.Float64(),
		checkpointEvery: between(time.Second, 8*time.Second), purgeEvery: between(time.Second, 6*time.Second),
		linger: time.Duration(r.Int64N(int64(2 * time.Millisecond))),
		entry:  1 + r.IntN(6), window: 1 + r.IntN(3), ackTimeout: between(50*time.Millisecond, 500*time.Millisecond),
		sync: time.Millisecond << r.IntN(5),
		lose: 0.04 * r.Float64(), double: 0.04 * r.Float64(), latency: 100 * time.Microsecond << r.IntN(6),
		crawl: 0.05 * r.Float64(), crawling: 50 * time.Millisecond << r.IntN(7),
		behind: 0.1 * r.Float64(), lateWatch: 0.3 * r.Float64(), lateRoutes: 0.6 * r.Float64(), starve: 0.02 * r.Float64(), ambush: 0.1 * r.Float64(),
		faults: between(300*time.Millisecond, 4*time.Second),
	}
	x.moves, x.sweep = 0.5*r.Float64(), 0.12
	if r.IntN(3) == 0 { // a machine with too much to do
		x.starve = 0.15
	}
	if r.IntN(4) == 0 { // nearly calm, so that much gets done between two faults
		x.lose, x.double, x.crawl = x.lose/10, x.double/10, x.crawl/10
	}
	if b != nil && b.weather != nil {
		b.weather(&x)
	}
	return x
}
