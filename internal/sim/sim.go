package sim

import (
	"bytes"
	"fmt"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Config is one simulation.
type Config struct {
	Seed uint64
	// Steps bounds how many things happen while there are faults. 0 is
	// DefaultSteps.
	Steps int
	// Plant names a bug to put in; "" for none. See Plants.
	Plant string
	// Trace, if not nil, gets a line for everything that happens.
	Trace func(line string)
}

// DefaultSteps is enough for most planted bugs to show in every few hundred
// seeds, and little enough for some hundred seeds a second.
const DefaultSteps = 5000

// Result is what became of a simulation.
type Result struct {
	// Err is the first thing that happened and never may; nil if all was well.
	Err    error
	Steps  int
	Time   time.Duration // simulated
	Counts Counts
}

// Counts say what a simulation came to, so that one can see whether it goes
// where mistakes would hide.
type Counts struct {
	Turns, Records, Outputs, Replayed int
	Bought, Refused, Reads            int
	Claims, Moves, Rollbacks, Doubts  int
	Ends, Failures, Checkpoints       int
	Purges, Swept, Relists, Forwarded int
}

// Add adds another simulation's.
func (c *Counts) Add(o Counts) {
	for _, x := range []struct{ to, of *int }{
		{&c.Turns, &o.Turns}, {&c.Records, &o.Records}, {&c.Outputs, &o.Outputs}, {&c.Replayed, &o.Replayed},
		{&c.Bought, &o.Bought}, {&c.Refused, &o.Refused}, {&c.Reads, &o.Reads},
		{&c.Claims, &o.Claims}, {&c.Moves, &o.Moves}, {&c.Rollbacks, &o.Rollbacks}, {&c.Doubts, &o.Doubts},
		{&c.Ends, &o.Ends}, {&c.Failures, &o.Failures}, {&c.Checkpoints, &o.Checkpoints},
		{&c.Purges, &o.Purges}, {&c.Swept, &o.Swept}, {&c.Relists, &o.Relists}, {&c.Forwarded, &o.Forwarded},
	} {
		*x.to += *x.of
	}
}

const (
	// stormTime is how long there are faults, and calmTime how long everything
	// may take to come to rest afterwards.
	stormTime = 40 * time.Second
	calmTime  = 60 * time.Second
)

// Run simulates one seed. It returns an error when there is no bug of that name.
func Run(cfg Config) (Result, error) {
	b, err := plant(cfg.Plant)
	if err != nil {
		return Result{}, err
	}
	if cfg.Steps == 0 {
		cfg.Steps = DefaultSteps
	}
	w := newWorld(cfg.Seed, b, cfg.Trace)
	w.run(stormTime, cfg.Steps, nil)
	if w.broken == nil {
		w.settle(cfg.Steps)
	}
	w.close()
	return Result{Err: w.broken, Steps: w.steps, Time: w.now, Counts: w.counts}, nil
}

// settle ends the faults, waits until all is quiet, and looks whether everything
// has come out right.
func (w *World) settle(most int) {
	w.note("world", "calm")
	w.calm = true
	x := &w.weather
	x.lose, x.double, x.crawl, x.behind, x.lateWatch, x.lateRoutes = 0, 0, 0, 0, 0, 0
	for i := range w.net.cut {
		clear(w.net.cut[i])
	}
	for _, p := range w.nodes {
		p.still = 0
		w.after(0, p.boot)
		w.after(0, func() { w.healed(p.at) })
	}
	w.run(calmTime, w.steps+4*most, func() bool {
		return w.steps%16 == 0 && w.shop.open == 0 && w.history.books.quiet() == nil && w.served()
	})
	switch err := w.history.books.quiet(); {
	case w.broken != nil:
	case w.shop.open > 0:
		w.violated("%d requests are not answered in %v of calm", w.shop.open, calmTime)
	case err != nil:
		w.violated("after %v of calm: %w", calmTime, err)
	case !w.served():
		w.violated("not every shard is served after %v of calm", calmTime)
	default:
		w.verify()
	}
}

// served says whether every shard is served by its owner.
func (w *World) served() bool {
	for s := range w.weather.shards {
		if w.owner(cluster.ShardID(s)) == nil {
			return false
		}
	}
	return true
}

// owner is where a shard is served, nil if it is not.
func (w *World) owner(s cluster.ShardID) *hosted {
	for _, p := range w.nodes {
		if p.life == nil || p.life.shards[s] == nil {
			continue
		}
		if h := p.life.shards[s]; w.history.owns(s, h.hold.Epoch, p.life.inc) && p.life.log.durable == p.life.log.end {
			return h
		}
	}
	return nil
}

// verify compares what each shard has in memory with what a successor would put
// together, to the last byte.
func (w *World) verify() {
	for s := range w.weather.shards {
		h := w.owner(cluster.ShardID(s))
		rec := w.history.closed(w.history.shards[s].record)
		for _, cp := range []*clusterv1.Checkpoint{rec.GetCurrent(), rec.GetPrevious()} {
			if cp == nil && rec.GetPrevious() != nil {
				continue
			}
			r := &loaded{w: w, shard: h.id, epoch: h.hold.Epoch + 1, people: newPeople()}
			if err := r.whole(rec, cp); err != nil {
				w.violated("verify shard %d: %v", s, err)
				return
			}
			for _, a := range h.people.order {
				if a.seq == 0 {
					continue
				}
				if again := r.people.all[a.ref]; again == nil || !bytes.Equal(again.save().State, a.save().State) {
					w.violated("verify shard %d: replay of the %d events of %s gives another state", s, a.seq, a.ref)
					return
				}
			}
		}
	}
}

// whole loads a shard without a node that does it.
func (r *loaded) whole(rec *clusterv1.Shard, cp *clusterv1.Checkpoint) error {
	if cp != nil {
		if err := r.restore(r.w.objects[cp.GetParts()[0].GetObject()], cp); err != nil {
			return err
		}
	}
	stretches, err := cluster.Replay(rec, cp)
	if err != nil {
		return err
	}
	for _, st := range stretches {
		entries, err := r.w.scan(st)
		if err != nil {
			return err
		}
		if err := r.take(st.Log, entries); err != nil {
			return fmt.Errorf("replay: %w", err)
		}
	}
	return nil
}

// close ends what is still running.
func (w *World) close() {
	for _, p := range w.nodes {
		if p.life != nil {
			p.life.end()
		}
	}
}
