package logs

import (
	"context"
	"fmt"
	"iter"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/shard/checkpoint"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// fold applies all events of all logs in the order of ownerships, and holds the
// states that come of it against those in the checkpoints.
type fold struct {
	x     *index
	kinds *actors.Registry
	v     *verdict
	count int // of the cluster's shards

	shards map[cluster.ShardID]*foldedShard
	events map[string]proto.Message // decoded into, by kind
}

// foldedShard is a shard on its way through its ownerships.
type foldedShard struct {
	row     *shardRow
	tenures []*tenure // those to come, the first under way
	actors  map[actors.Ref]*folded
	marks   []*mark
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
		x: x, kinds: kinds, v: v, count: count,
		shards: make(map[cluster.ShardID]*foldedShard), events: make(map[string]proto.Message),
	}
}

// cursor is the second reading of a log.
type cursor struct {
	log   int
	next  func() (*journal.Entry, error, bool)
	stop  func()
	entry *journal.Entry
	at    int // the record of entry that comes next
}

// scan reads entries first to last of a log, one at a time.
func (r *reader) scan(ctx context.Context, l logExtent) iter.Seq2[*journal.Entry, error] {
	return func(yield func(*journal.Entry, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		_, _, err := journal.Scan(ctx, r.js, l.name, l.First, l.Last, func(e *journal.Entry) error {
			if !yield(e, nil) {
				return context.Canceled
			}
			return nil
		})
		if err != nil && ctx.Err() == nil {
			yield(nil, err)
		}
	}
}

// fold reads all logs at once, each as far as the ownerships in the others allow.
// There is such an order, because an ownership begins after the one before it has
// ended. A log is opened when those before it cannot go on, so that no more are
// open than nodes lived at the same time.
func (r *reader) fold(ctx context.Context, m *moment, f *fold) error {
	var open []*cursor
	defer func() {
		for _, c := range open {
			c.stop()
		}
	}()
	opened := 0
	for {
		moved := false
		for i := 0; i < len(open); {
			went, ended, err := f.advance(open[i])
			if err != nil {
				return err
			}
			moved = moved || went
			if ended {
				open[i].stop()
				open = append(open[:i], open[i+1:]...)
				continue
			}
			i++
		}
		switch {
		case moved:
		case opened < len(m.logs):
			if l := m.logs[opened]; l.First <= l.Last {
				c := &cursor{log: opened}
				c.next, c.stop = iter.Pull2(r.scan(ctx, l))
				open = append(open, c)
			}
			opened++
		case len(open) > 0:
			f.v.owners.fail("no order of ownerships allows what the logs hold: entry %d of log %s would have to come after itself",
				open[0].entry.Seq, m.logs[open[0].log].name)
			return nil
		default:
			return nil
		}
	}
}

// advance folds what a log holds until an ownership must end first that another
// log tells about.
func (f *fold) advance(c *cursor) (moved, ended bool, err error) {
	for {
		if c.entry == nil {
			entry, err, ok := c.next()
			if err != nil {
				return moved, false, err
			}
			if !ok {
				return moved, true, nil
			}
			c.entry, c.at = entry, 0
		}
		for ; c.at < len(c.entry.Records); c.at++ {
			if !f.record(c, &c.entry.Records[c.at]) {
				return moved, false, nil
			}
			moved = true
		}
		c.entry, moved = nil, true
	}
}

// record folds one record; false when it is not its turn yet.
func (f *fold) record(c *cursor, rec *journal.Record) bool {
	s, ok := f.shards[rec.Shard]
	if !ok || rec.Epoch > s.row.Epoch {
		return true // of a later moment
	}
	t := s.tenures[0] // as the first reading has counted
	if t.epoch != rec.Epoch {
		return false
	}
	if t.folded++; t.folded == t.records {
		s.tenures = s.tenures[1:]
	}
	f.v.events.Examined++
	f.event(s, position{rec.Epoch, c.entry.Seq}, rec)
	return true
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
func (f *fold) apply(a *folded, ref actors.Ref, rec *journal.Record) error {
	kind, ok := f.kinds.Kind(ref.Kind)
	if !ok {
		return fmt.Errorf("this program knows no kind %q", ref.Kind)
	}
	event, ok := f.events[ref.Kind]
	if !ok {
		event = kind.Event()
		f.events[ref.Kind] = event
	}
	if err := proto.Unmarshal(rec.Event, event); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	if a.seq == 0 && rec.Seq == 1 {
		a.state = kind.New(ref.ID)
	}
	a.seq = rec.Seq
	if a.state == nil {
		return nil
	}
	return applied(a.state, event)
}

// applied is Apply whose panics are errors.
func applied(b actors.Behaviour, event proto.Message) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return b.Apply(event)
}

// snapshot returns an actor's state as a checkpoint would hold it.
func snapshot(ref actors.Ref, a *folded) (checkpoint.Actor, error) {
	state, err := proto.MarshalOptions{Deterministic: true}.Marshal(a.state.Snapshot())
	return checkpoint.Actor{Kind: ref.Kind, ID: ref.ID, Seq: a.seq, State: state}, err
}
