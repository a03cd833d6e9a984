package simulate

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/holdfast-game/holdfast/bench/tape"
	"github.com/holdfast-game/holdfast/cluster"
)

// playing plays a tape to a cluster on paper. The tape begins at time 0.
type playing struct {
	cfg    rebalanceConfig
	demand *demand
	paper  *cluster.Rehearsal
	out    *prediction

	at      time.Duration // on the tapes played, one after the other
	began   time.Duration // of the tape under way
	ordered bool
	// done has what nodes were asked for since sampled, and waits what waits for
	// each shard that is on its way.
	done    map[cluster.NodeName]uint64
	sampled time.Duration
	waits   map[cluster.ShardID]uint64
}

// step is how finely time passes between two records.
const step = 100 * time.Millisecond

// begin lets the cluster come to rest.
func (p *playing) begin() {
	p.done, p.waits = make(map[cluster.NodeName]uint64), make(map[cluster.ShardID]uint64)
	p.paper.Advance(moment(0)) // who owns what before the tape begins is no prediction
}

// moment is a time on the tape for the cluster.
func moment(at time.Duration) time.Time { return time.Unix(0, 0).UTC().Add(at) }

// play plays the tape once.
func (p *playing) play(ctx context.Context, in *tape.Reader) error {
	p.began = p.at
	p.demand.again()
	in.SeekTime(0)
	var rec tape.Record
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err := in.Next(&rec)
		damage := new(tape.DamageError)
		switch {
		case errors.Is(err, io.EOF):
			p.pass(p.began + in.Info().Duration)
			return nil
		case errors.As(err, &damage):
			// What stands before the damage is a tape as well.
			p.out.Damage = damage.Error()
			return nil
		case err != nil:
			return err
		}
		p.pass(p.began + rec.At)
		p.demand.take(&rec, p.ask)
	}
}

// pass lets time pass until a moment of the tape.
func (p *playing) pass(until time.Duration) {
	for p.at < until {
		next := min(until, p.at.Truncate(step)+step)
		p.demand.stay(next-p.at, p.ask)
		p.at = next
		if p.cfg.order >= 0 && !p.ordered && p.at >= p.cfg.order {
			p.ordered = true
			p.size()
			p.out.Proposal = proposalOf(p.paper.Rebalance())
		}
		if p.at%time.Second < step {
			p.size()
		}
		for _, m := range p.paper.Advance(moment(p.at)) {
			if m.From != "" {
				p.out.Moves = append(p.out.Moves, move{
					At: m.At.Sub(moment(0)).Seconds(), Shard: m.Shard, From: m.From, To: m.To, Weight: m.Weight, Why: m.Why,
					TookMs: millis(m.At.Sub(m.Told)), StallMs: millis(p.cfg.stall), Waited: p.waits[m.Shard],
				})
			}
			delete(p.waits, m.Shard)
		}
		if p.at-p.sampled >= p.cfg.every {
			p.sample()
		}
	}
}

// size says how many actors the shards hold.
func (p *playing) size() {
	for s, n := range p.demand.actors {
		p.paper.Size(cluster.ShardID(s), n, 0)
	}
}

// ask has a shard asked for something.
func (p *playing) ask(s cluster.ShardID, commands uint64) {
	p.paper.Count(s, commands)
	owner := p.paper.Owner(s)
	if arrives, ok := p.paper.OnItsWay(s); ok {
		if left := arrives.Sub(moment(p.at)); left > 0 && (owner == "" || left <= p.cfg.stall) {
			p.waits[s] += commands
		}
	}
	if owner != "" {
		p.done[owner] += commands
	}
}

// sample notes what the nodes have carried since the last time.
func (p *playing) sample() {
	over := p.at - p.sampled
	if over <= 0 {
		return
	}
	c := carried{From: p.sampled.Seconds(), To: p.at.Seconds(), Nodes: make(map[cluster.NodeName]load)}
	owned := make(map[cluster.NodeName]int)
	for s := range p.cfg.shards {
		owned[p.paper.Owner(cluster.ShardID(s))]++
	}
	total, most := 0.0, 0.0
	for _, n := range p.out.Nodes {
		rate := float64(p.done[n]) / over.Seconds()
		c.Nodes[n] = load{Shards: owned[n], Commands: rate}
		total, most = total+rate, max(most, rate)
	}
	if total > 0 {
		c.Peak = most / (total / float64(len(p.out.Nodes)))
	}
	p.out.Timeline = append(p.out.Timeline, c)
	p.sampled = p.at
	clear(p.done)
}

// finish sums up.
func (p *playing) finish() *prediction {
	if p.at-p.sampled >= time.Second {
		p.sample()
	}
	p.out.Seconds, p.out.Seen = p.at.Seconds(), p.demand.seen
	for _, m := range p.out.Moves {
		p.out.Waited += m.Waited
	}
	return p.out
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
