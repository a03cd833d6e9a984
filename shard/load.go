package shard

import (
	"context"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/holdfast-game/holdfast/cluster"
)

// sampleEvery is how many commands there are for one whose way through the node
// is timed.
const sampleEvery = 32

// maxSampled bounds the timed commands of a shard that are not answered yet.
// When so many are, they are forgotten: some answers never come.
const maxSampled = 64

// timed is a command whose way through the node is timed, from its arrival.
type timed struct {
	*cluster.Command
	at time.Time
}

// sample remembers when a command has arrived.
func (h *hosted) sample(m *timed) {
	if len(h.sampled) >= maxSampled {
		clear(h.sampled)
	}
	h.sampled[m.Command] = m.at
}

// arrival is when a command arrived that is being answered; zero for one that is
// not timed.
func (h *hosted) arrival(c *cluster.Command) time.Time {
	if len(h.sampled) == 0 {
		return time.Time{}
	}
	at, ok := h.sampled[c]
	if ok {
		delete(h.sampled, c)
	}
	return at
}

// latency collects how long timed commands took, until somebody asks.
type latency struct {
	mu sync.Mutex
	h  *hdrhistogram.Histogram // microseconds
}

func newLatency() *latency {
	return &latency{h: hdrhistogram.New(1, time.Minute.Microseconds(), 2)}
}

func (l *latency) observe(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.h.RecordValue(min(d.Microseconds(), time.Minute.Microseconds())) // fails only beyond its bounds
}

// take returns percentiles of what was observed since it was last called.
func (l *latency) take() (p50, p99 time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p50 = time.Duration(l.h.ValueAtPercentile(50)) * time.Microsecond
	p99 = time.Duration(l.h.ValueAtPercentile(99)) * time.Microsecond
	l.h.Reset()
	return p50, p99
}

// reportLoad tells the cluster what this node has to do, for the planner and for
// operators.
func (inc *incarnation) reportLoad(ctx context.Context) {
	tick := time.NewTicker(cluster.LoadPeriod)
	defer tick.Stop()
	var meter cluster.Meter
	for {
		load := cluster.NodeLoad{At: time.Now(), Backlog: inc.journal.Backlog()}
		load.Shards = meter.Observe(load.At, inc.counts())
		for _, s := range load.Shards {
			load.Commands += s.Commands
		}
		load.P50, load.P99 = inc.latency.take()
		put, cancel := context.WithTimeout(ctx, cluster.LoadPeriod)
		if err := inc.member.PutLoad(put, load); err != nil && ctx.Err() == nil {
			inc.log.Debug("report the load", "err", err) // made good by the next
		}
		cancel()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// counts is what the shards have had to do since they are served here.
func (inc *incarnation) counts() (all []cluster.ShardCount) {
	for i := range inc.shards {
		if h := inc.shards[i].Load(); h != nil {
			all = append(all, cluster.ShardCount{
				Shard: h.id, Commands: h.commands.Load(), Actors: h.chronicle.actors.Load(), Bytes: h.chronicle.bytes.Load(),
			})
		}
	}
	return all
}
