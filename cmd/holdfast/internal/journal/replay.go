package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/journal/refold"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard/checkpoint"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// replay puts shards together as a recovery would. What is wrong with them is in
// what it returns; the error is about reading.
func (r *reader) replay(ctx context.Context, m *moment, kinds *actors.Registry, shards []cluster.ShardID) ([]*shardProof, error) {
	var all []*replay
	needed := make(map[cluster.LogName]cluster.Stretch)
	for _, s := range shards {
		p := &replay{id: s, record: m.closed(s), folder: refold.New(kinds), proof: &shardProof{
			Shard: s, Epoch: cluster.Epoch(m.before[s].GetEpoch()), Replays: []*replayed{},
		}}
		all = append(all, p)
		for _, b := range p.bases() {
			stretches, _ := cluster.Replay(p.record, b.checkpoint) // the error comes again in run
			for _, st := range stretches {
				n, ok := needed[st.Log]
				if !ok {
					n = st
				}
				n.From, n.To = min(n.From, st.From), max(n.To, st.To)
				needed[st.Log] = n
			}
		}
	}
	tails, err := r.tails(ctx, needed, func(s cluster.ShardID) bool { return slices.Contains(shards, s) })
	if err != nil {
		return nil, err
	}
	var out []*shardProof
	for _, p := range all {
		if err := p.prove(ctx, m.store, tails); err != nil {
			return nil, err
		}
		out = append(out, p.proof)
	}
	return out, nil
}

// logged is a record, and the entry that it stands in.
type logged struct {
	entry cluster.LogSeq
	journal.Record
}

// tails holds the records of some shards, by log and shard.
type tails map[cluster.LogName]map[cluster.ShardID][]logged

// tails reads each log once, however many shards need it.
func (r *reader) tails(ctx context.Context, needed map[cluster.LogName]cluster.Stretch, of func(cluster.ShardID) bool) (tails, error) {
	all := make(tails)
	for name, st := range needed {
		t := make(map[cluster.ShardID][]logged)
		all[name] = t
		err := r.read(ctx, name, st.From, st.To, func(e *journal.Entry) error {
			for _, rec := range e.Records {
				if of(rec.Shard) {
					rec.Event = bytes.Clone(rec.Event) // or all of the entry would stay in memory
					t[rec.Shard] = append(t[rec.Shard], logged{e.Seq, rec})
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// replay is one shard being put together.
type replay struct {
	id     cluster.ShardID
	record *clusterv1.Shard // its segments are all closed
	folder *refold.Folder
	proof  *shardProof
}

// base is what a recovery can begin with.
type base struct {
	name       string
	checkpoint *clusterv1.Checkpoint // nil: nothing
}

// bases are what is fallen back to when the last checkpoint cannot be read, and that.
func (p *replay) bases() []base {
	last, before := p.record.GetCurrent(), p.record.GetPrevious()
	switch {
	case last == nil && len(p.record.GetSegments()) == 0:
		return nil // it has never been served
	case last == nil:
		return []base{{name: "first event"}}
	case before == nil:
		return []base{{name: "first event"}, {"last checkpoint", last}}
	default:
		return []base{{"checkpoint before", before}, {"last checkpoint", last}}
	}
}

// rebuilt is an actor that was put together.
type rebuilt struct {
	seq   uint64
	state actors.Behaviour
}

// attempt is the shard on its way from one base.
type attempt struct {
	*replay
	base   base
	row    *replayed
	actors map[actors.Ref]*rebuilt
	broken bool
	// mark is the last checkpoint, when the replay comes by it. hash is what the
	// actors add up to that have come to where they are there, and met are those.
	mark *mark
	hash uint64
	met  int
}

// version is an actor at one event.
type version struct{ seq, hash uint64 }

// prove puts the shard together from each base, and compares. What is wrong is
// part of the proof; the error is about reading.
func (p *replay) prove(ctx context.Context, store *checkpoint.Store, tails tails) error {
	marks := make(map[*clusterv1.Checkpoint]*mark)
	bases := p.bases()
	for _, b := range bases {
		if b.checkpoint == nil {
			continue
		}
		k, err := readMark(ctx, store, b.checkpoint, true)
		switch {
		case errors.Is(err, checkpoint.ErrCorrupt):
			p.proof.differ("%s: %v", b.name, err)
		case err != nil:
			return fmt.Errorf("read a checkpoint of shard %s: %w", p.id, err)
		default:
			marks[b.checkpoint] = k
		}
	}
	var before map[actors.Ref]version
	for i, b := range bases {
		if b.checkpoint != nil && marks[b.checkpoint] == nil {
			continue // that is told
		}
		a := &attempt{replay: p, base: b, actors: make(map[actors.Ref]*rebuilt), row: &replayed{From: b.name}}
		if i+1 < len(bases) {
			a.mark = marks[p.record.GetCurrent()]
		}
		a.run(marks[b.checkpoint], tails)
		after := a.finish()
		p.compare(before, after)
		before = after
	}
	return nil
}

// run loads the base and applies what follows upon it.
func (a *attempt) run(from *mark, tails tails) {
	if from != nil {
		taken := a.base.checkpoint.GetTaken().AsTime()
		a.row.Taken = &taken
		for ref, ma := range from.actors {
			state, err := a.folder.Restore(ref, ma.state)
			if err != nil {
				a.stop("%s at event %d: %v", ref, ma.seq, err)
				return
			}
			x := &rebuilt{ma.seq, state}
			a.actors[ref] = x
			a.meet(ref, x)
		}
	}
	stretches, err := cluster.Replay(a.record, a.base.checkpoint)
	if err != nil {
		a.stop("%v", err)
		return
	}
	for _, st := range stretches {
		a.row.Entries += uint64(st.To - st.From + 1)
		for i := range tails[st.Log][a.id] {
			rec := &tails[st.Log][a.id][i]
			if rec.entry < st.From || rec.entry > st.To || rec.Epoch > a.proof.Epoch {
				continue // of another stretch, or of a later moment
			}
			if err := a.apply(rec, st.Epoch); err != nil {
				a.stop("log %s entry %d: %s/%s event %d: %v", st.Log, rec.entry, rec.Kind, rec.ID, rec.Seq, err)
				return
			}
		}
	}
}

// stop gives up: a recovery would.
func (a *attempt) stop(format string, args ...any) {
	a.broken = true
	a.proof.differ("from the %s: %s", a.base.name, fmt.Sprintf(format, args...))
}

// apply applies one event: what the actor has already is skipped, the next one
// applied, and a gap means that something is lost.
func (a *attempt) apply(rec *logged, epoch cluster.Epoch) error {
	ref := actors.Ref{Kind: rec.Kind, ID: rec.ID}
	x := a.actors[ref]
	if x == nil {
		state, err := a.folder.Begin(ref)
		if err != nil {
			return err
		}
		x = &rebuilt{state: state}
		a.actors[ref] = x
	}
	switch {
	case rec.Epoch != epoch:
		return fmt.Errorf("it is of epoch %d, in a stretch of epoch %d", rec.Epoch, epoch)
	case rec.Seq <= x.seq:
		return nil
	case rec.Seq > x.seq+1:
		return fmt.Errorf("events %d to %d are missing", x.seq+1, rec.Seq-1)
	}
	if err := a.folder.Apply(x.state, rec.Kind, rec.Event); err != nil {
		return err
	}
	x.seq++
	a.row.Events++
	a.meet(ref, x)
	return nil
}

// meet compares an actor with the last checkpoint, if it is where it is there.
func (a *attempt) meet(ref actors.Ref, x *rebuilt) {
	if a.mark == nil {
		return
	}
	ma := a.mark.actors[ref]
	if ma == nil || ma.seq != x.seq {
		return
	}
	a.met++
	got, err := refold.Capture(ref, x.seq, x.state)
	if err != nil {
		a.proof.differ("%s at event %d: %v", ref, x.seq, err)
		return
	}
	a.hash += got.Hash()
	if got.Hash() != ma.hash {
		a.proof.differ("%s at event %d: replay from the %s gives hash %016x, the last checkpoint holds %016x", ref, x.seq, a.base.name, got.Hash(), ma.hash)
	}
}

// finish sums up, and returns what the shard has come to; nil when it has not.
func (a *attempt) finish() map[actors.Ref]version {
	a.row.StateHash = "-"
	a.proof.Replays = append(a.proof.Replays, a.row)
	if a.broken {
		return nil
	}
	if a.mark != nil {
		a.row.Checkpoint = &passedBy{Taken: hex(a.record.GetCurrent().GetStateHash()), Replayed: hex(a.hash)}
		if n := len(a.mark.actors) - a.met; n > 0 {
			a.proof.differ("replay from the %s comes by %d of the %d actors that the last checkpoint holds, at their events", a.base.name, a.met, a.met+n)
		}
	}
	all, hash := make(map[actors.Ref]version, len(a.actors)), uint64(0)
	for ref, x := range a.actors {
		got, err := refold.Capture(ref, x.seq, x.state)
		if err != nil {
			a.proof.differ("%s at event %d: %v", ref, x.seq, err)
			return nil
		}
		all[ref] = version{x.seq, got.Hash()}
		hash += got.Hash()
	}
	a.row.Actors, a.row.StateHash = len(all), hex(hash)
	return all
}

// compare holds what the replays from two bases have come to against each other.
func (p *replay) compare(before, after map[actors.Ref]version) {
	if before == nil || after == nil {
		return
	}
	for ref, v := range before {
		switch w, ok := after[ref]; {
		case !ok:
			p.proof.differ("%s at event %d is not there when replay begins with the last checkpoint", ref, v.seq)
		case w != v:
			p.proof.differ("%s ends at event %d with hash %016x, and at event %d with %016x when replay begins with the last checkpoint", ref, v.seq, v.hash, w.seq, w.hash)
		}
	}
	for ref, v := range after {
		if _, ok := before[ref]; !ok {
			p.proof.differ("%s at event %d is there only when replay begins with the last checkpoint", ref, v.seq)
		}
	}
}
