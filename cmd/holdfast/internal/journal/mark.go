package journal

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard/checkpoint"
)

// mark is a checkpoint that the fold of a shard comes by.
type mark struct {
	// from is where replay upon it begins, through what the log had when it was
	// published.
	from, through position
	actors        map[actors.Ref]*markActor
}

// markActor is an actor as a checkpoint has it.
type markActor struct {
	seq  uint64
	hash uint64
	// state is kept of the oldest checkpoint only, for actors whose first events
	// were purged.
	state []byte
}

// load reads the checkpoints of a shard. That one cannot be read is part of the
// verdict; that it is not there is an error.
func (f *fold) load(ctx context.Context, id cluster.ShardID, m *moment) error {
	rec := m.before[id]
	s := &foldedShard{
		row:    &shardRow{Shard: id, Epoch: cluster.Epoch(rec.GetEpoch())},
		actors: make(map[actors.Ref]*folded),
	}
	f.shards[id] = s
	f.v.Shards = append(f.v.Shards, s.row)
	for _, cp := range []*clusterv1.Checkpoint{rec.GetPrevious(), rec.GetCurrent()} {
		if cp == nil {
			continue
		}
		k, err := readMark(ctx, m.store, cp, cp == rec.GetPrevious())
		switch {
		case errors.Is(err, checkpoint.ErrCorrupt):
			f.v.checkpoints.fail("shard %s, taken %s: %v", id, cp.GetTaken().AsTime(), err)
			continue
		case err != nil:
			return fmt.Errorf("read a checkpoint of shard %s: %w", id, err)
		}
		s.marks = append(s.marks, k)
		s.purged = s.purged || cp == rec.GetPrevious()
	}
	return nil
}

func readMark(ctx context.Context, store *checkpoint.Store, cp *clusterv1.Checkpoint, keep bool) (*mark, error) {
	epoch := cluster.Epoch(cp.GetEpoch())
	k := &mark{
		from:    position{epoch, cluster.LogSeq(cp.GetFrom().GetSeq())},
		through: position{epoch, cluster.LogSeq(cp.GetThrough().GetSeq())},
		actors:  make(map[actors.Ref]*markActor),
	}
	if store == nil && len(cp.GetParts()) > 0 {
		return nil, checkpoint.ErrNotFound
	}
	if store != nil {
		if err := store.Read(ctx, cp.GetParts(), func(a checkpoint.Actor) error {
			ma := &markActor{seq: a.Seq, hash: a.Hash()}
			if keep {
				ma.state = a.State
			}
			k.actors[actors.Ref{Kind: a.Kind, ID: a.ID}] = ma
			return nil
		}); err != nil {
			return nil, err
		}
	}
	var hash uint64
	for _, a := range k.actors {
		hash += a.hash
	}
	if hash != cp.GetStateHash() || uint64(len(k.actors)) != cp.GetActors() {
		return nil, fmt.Errorf("%w: %d actors of hash %016x, it was taken of %d of %016x",
			checkpoint.ErrCorrupt, len(k.actors), hash, cp.GetActors(), cp.GetStateHash())
	}
	return k, nil
}

// base returns an actor as the oldest checkpoint that a recovery may begin with
// has it; nil when recoveries begin with the first event, or it has none.
func (s *foldedShard) base(ref actors.Ref) *markActor {
	if !s.purged {
		return nil
	}
	return s.marks[0].actors[ref]
}

// restore gives an actor the state that a checkpoint has.
func (f *fold) restore(a *folded, ref actors.Ref, from *markActor) error {
	b, err := f.folder.Restore(ref, from.state)
	if err == nil {
		a.seq, a.state = from.seq, b
	}
	return err
}

// compare holds an actor against the checkpoints that have it at this event.
func (f *fold) compare(s *foldedShard, a *folded, ref actors.Ref, at position) {
	c := f.v.checkpoints
	for i, k := range s.marks {
		ma := a.marks[i]
		switch {
		case ma == nil || a.seq == ma.seq+1:
			// Everything after what it holds must be where a recovery reads it.
			if at.before(k.from) && (ma != nil || a.seq == 1) {
				c.fail("shard %s: %s event %d, entry %d of epoch %d, is in no checkpoint's state, and before entry %d of epoch %d, where replay upon it begins",
					s.row.Shard, ref, a.seq, at.entry, at.epoch, k.from.entry, k.from.epoch)
			}
			continue
		case a.seq != ma.seq:
			continue
		}
		if k.through.before(at) {
			c.fail("shard %s: a checkpoint holds %s with event %d, entry %d of epoch %d, and was published when the log had entry %d of epoch %d",
				s.row.Shard, ref, a.seq, at.entry, at.epoch, k.through.entry, k.through.epoch)
		}
		if a.state == nil && ma.state != nil {
			if err := f.restore(a, ref, ma); err != nil {
				c.fail("shard %s: %s at event %d: %v", s.row.Shard, ref, ma.seq, err)
				a.broken = true
				return
			}
		}
		f.same(s, a, ref, ma)
	}
}

// same compares an actor's state with that in a checkpoint.
func (f *fold) same(s *foldedShard, a *folded, ref actors.Ref, ma *markActor) {
	f.v.checkpoints.Examined++
	got, err := snapshot(ref, a)
	if err != nil {
		f.v.checkpoints.fail("shard %s: %s at event %d: %v", s.row.Shard, ref, a.seq, err)
		return
	}
	if got.Hash() != ma.hash {
		f.v.checkpoints.fail("shard %s: %s at event %d is not what a checkpoint holds: its hash is %016x, there it is %016x",
			s.row.Shard, ref, a.seq, got.Hash(), ma.hash)
	}
}

// finish adds up the states that the fold has come to. Actors without an event
// in the logs are as the oldest checkpoint has them.
func (f *fold) finish() {
	for _, row := range f.v.Shards {
		s := f.shards[row.Shard]
		if s.purged {
			for ref, ma := range s.marks[0].actors {
				f.wake(s, ref, ma)
			}
		}
		for _, k := range s.marks {
			for ref, ma := range k.actors {
				a := s.actors[ref]
				switch {
				case a == nil:
					f.v.checkpoints.fail("shard %s: a checkpoint holds %s with %d events, of which the logs know nothing", row.Shard, ref, ma.seq)
				case a.seq < ma.seq && !a.broken:
					f.v.checkpoints.fail("shard %s: a checkpoint holds %s with event %d, the logs end with event %d", row.Shard, ref, ma.seq, a.seq)
				}
			}
		}
		f.sum(s)
	}
}

// wake gives an actor that has had no event in the logs its state in the oldest
// checkpoint.
func (f *fold) wake(s *foldedShard, ref actors.Ref, ma *markActor) {
	if s.actors[ref] != nil {
		return
	}
	a := f.meet(s, ref)
	if err := f.restore(a, ref, ma); err != nil {
		f.v.checkpoints.fail("shard %s: %s at event %d: %v", s.row.Shard, ref, ma.seq, err)
		a.broken = true
		return
	}
	for _, other := range a.marks {
		if other != nil && other.seq == a.seq {
			f.same(s, a, ref, other)
		}
	}
}

// sum adds up a shard's row. There is no hash when some state is not known.
func (f *fold) sum(s *foldedShard) {
	var hash uint64
	known := true
	for ref, a := range s.actors {
		s.row.Actors++
		if a.begun {
			s.row.Begun++
		}
		if a.state == nil || a.broken {
			known = false
			continue
		}
		state, err := snapshot(ref, a)
		if err != nil {
			f.v.events.fail("%s at event %d: %v", ref, a.seq, err)
			known = false
			continue
		}
		hash += state.Hash()
	}
	if known {
		s.row.StateHash = hex(hash)
	}
}
