package journal

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/journal/refold"
	"github.com/holdfast-game/holdfast/shard/checkpoint"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// fold applies all events of all logs in the order of ownerships, and holds the
// states that come of it against those in the checkpoints.
type fold struct {
	x      *index
	folder *refold.Folder
	v      *verdict
	count  int // of the cluster's shards

	shards map[cluster.ShardID]*foldedShard
	order  order
}

// foldedShard is a shard on its way through its ownerships.
type foldedShard struct {
	row    *shardRow
	actors map[actors.Ref]*folded
	marks  []*mark
	// purged: marks[0] is the previous checkpoint, and what lies before it may be
	// gone.
	purged bool
}

// folded is one actor on its way through its events.
type folded struct {
	seq   uint64
	state actors.Behaviour // nil: seq events are known, but not what they said
	// broken: something was wrong already, and what follows from that is not told.
	broken bool
	begun  bool // with its first event
	// marks are the actor in the shard's checkpoints, nil where it is not.
	marks []*markActor
}

func newFold(x *index, kinds *actors.Registry, v *verdict, count int) *fold {
	return &fold{
		x: x, folder: refold.New(kinds), v: v, count: count,
		shards: make(map[cluster.ShardID]*foldedShard), order: x.order(),
	}
}

// fold reads all logs.
func (r *reader) fold(ctx context.Context, m *moment, f *fold) error {
	err := r.walk(ctx, m.logs, f.record)
	if stuck := new(stuckError); errors.As(err, &stuck) {
		f.v.owners.fail("%v", err)
		return nil
	}
	return err
}

// record folds one record; false when it is not its turn yet.
func (f *fold) record(_ logExtent, e *journal.Entry, i int) (bool, error) {
	rec := &e.Records[i]
	s, ok := f.shards[rec.Shard]
	if !ok || rec.Epoch > s.row.Epoch {
		return true, nil // of a later moment
	}
	if !f.order.turn(rec) {
		return false, nil
	}
	f.v.events.Examined++
	f.event(s, position{rec.Epoch, e.Seq}, rec)
	return true, nil
}

// position is where a record of a shard stands. Positions of one shard can be
// compared, whatever logs they are in.
type position struct {
	epoch cluster.Epoch
	entry cluster.LogSeq
}

func (p position) before(q position) bool {
	return p.epoch < q.epoch || p.epoch == q.epoch && p.entry < q.entry
}

// event folds one event.
func (f *fold) event(s *foldedShard, at position, rec *journal.Record) {
	ref := actors.Ref{Kind: rec.Kind, ID: rec.ID}
	a := s.actors[ref]
	if a == nil {
		a = f.meet(s, ref)
	}
	if a.broken {
		return
	}
	if rec.Seq <= a.seq {
		f.wrong(a, "%s: event %d is there again, at entry %d of epoch %d of shard %s", ref, rec.Seq, at.entry, at.epoch, rec.Shard)
		return
	}
	if rec.Seq != a.seq+1 {
		if err := f.resume(s, a, ref, rec.Seq); err != nil {
			f.wrong(a, "%s, before entry %d of epoch %d of shard %s: %v", ref, at.entry, at.epoch, rec.Shard, err)
			return
		}
	}
	a.begun = a.begun || rec.Seq == 1
	if err := f.apply(a, ref, rec); err != nil {
		f.wrong(a, "%s event %d: %v", ref, rec.Seq, err)
		return
	}
	s.row.Events++
	f.compare(s, a, ref, at)
}

// meet returns an actor that has had no event yet.
func (f *fold) meet(s *foldedShard, ref actors.Ref) *folded {
	a := &folded{marks: make([]*markActor, len(s.marks))}
	for i, k := range s.marks {
		a.marks[i] = k.actors[ref]
	}
	s.actors[ref] = a
	if home := cluster.ActorID(ref).Shard(f.count); home != s.row.Shard {
		f.wrong(a, "%s has events in shard %s, and belongs to shard %s", ref, s.row.Shard, home)
	}
	return a
}

// wrong notes what is wrong with an actor's events, and that it was told.
func (f *fold) wrong(a *folded, format string, args ...any) {
	a.broken = true
	f.v.events.fail(format, args...)
}

// resume skips events that were purged: the oldest checkpoint that a recovery may
// begin with must have them. Its state is where the fold goes on, maybe a few
// events later.
func (f *fold) resume(s *foldedShard, a *folded, ref actors.Ref, next uint64) error {
	base := s.base(ref)
	if f.v.Whole || base == nil || base.seq < next-1 {
		return fmt.Errorf("events %d to %d are missing", a.seq+1, next-1)
	}
	a.seq, a.state, a.begun = next-1, nil, false
	if base.seq > a.seq {
		return nil
	}
	if err := f.restore(a, ref, base); err != nil {
		return err
	}
	for _, ma := range a.marks {
		if ma != nil && ma.seq == a.seq {
			f.same(s, a, ref, ma)
		}
	}
	return nil
}

// apply adds one event to an actor's state. While the state is not known it only
// counts, until the checkpoint has it.
func (f *fold) apply(a *folded, ref actors.Ref, rec *journal.Record) (err error) {
	if a.seq == 0 && rec.Seq == 1 {
		if a.state, err = f.folder.Begin(ref); err != nil {
			return err
		}
	}
	a.seq = rec.Seq
	if a.state == nil {
		_, err = f.folder.Decode(ref.Kind, rec.Event)
		return err
	}
	return f.folder.Apply(a.state, ref.Kind, rec.Event)
}

// snapshot returns an actor's state as a checkpoint would hold it.
func snapshot(ref actors.Ref, a *folded) (checkpoint.Actor, error) {
	return refold.Capture(ref, a.seq, a.state)
}
