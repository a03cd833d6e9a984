package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/journal/bisect"
	"github.com/holdfast-game/holdfast/shard/checkpoint"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// history is everything that happened to some shards up to a moment, as far as
// logs and checkpoints know. It can be read again and again.
type history struct {
	r    *reader
	m    *moment
	x    *index
	only int // this shard, or all when negative
	// bases are what the checkpoints before the last hold, where there are such:
	// what lies before them may be gone.
	bases map[actors.Ref]*markActor
}

// history finds out what there is.
func (r *reader) history(ctx context.Context, m *moment, only int) (*history, error) {
	v := newVerdict(m, false)
	x, err := r.index(ctx, m, v)
	if err != nil {
		return nil, err
	}
	for _, c := range v.Checks {
		if c.Failed > 0 {
			return nil, fmt.Errorf("%w, see journal check: %s", errInconsistent, c.Failures[0])
		}
	}
	h := &history{r: r, m: m, x: x, only: only, bases: make(map[actors.Ref]*markActor)}
	for _, s := range slices.Sorted(maps.Keys(m.before)) {
		cp := m.before[s].GetPrevious()
		if cp == nil || !h.wants(s) {
			continue
		}
		k, err := readMark(ctx, m.store, cp, true)
		switch {
		case errors.Is(err, checkpoint.ErrCorrupt):
			return nil, fmt.Errorf("shard %s, taken %s: %w", s, cp.GetTaken().AsTime(), err)
		case err != nil:
			return nil, fmt.Errorf("read a checkpoint of shard %s: %w", s, err)
		}
		maps.Copy(h.bases, k.actors)
	}
	return h, nil
}

func (h *history) wants(s cluster.ShardID) bool { return h.only < 0 || cluster.ShardID(h.only) == s }

// read passes on the events of all actors, those of each shard in the order in
// which they were written, and logs as walk reads them. Where an actor's first
// events are gone its state comes first, and what that holds is left out. In the
// end come the states that no event follows upon.
func (h *history) read(ctx context.Context, yield func(*bisect.Item) error) error {
	o := h.x.order()
	seqs := make(map[actors.Ref]uint64)
	err := h.r.walk(ctx, h.m.logs, func(log logExtent, e *journal.Entry, i int) (bool, error) {
		rec := &e.Records[i]
		if epoch, ok := h.m.before[rec.Shard]; !ok || uint64(rec.Epoch) > epoch.GetEpoch() {
			return true, nil // of a later moment
		}
		if !o.turn(rec) {
			return false, nil
		}
		if !h.wants(rec.Shard) {
			return true, nil
		}
		return true, h.record(log, e, i, seqs, yield)
	})
	if err != nil {
		return err
	}
	rest := maps.Clone(h.bases)
	maps.DeleteFunc(rest, func(ref actors.Ref, _ *markActor) bool { _, given := seqs[ref]; return given })
	for _, ref := range slices.SortedFunc(maps.Keys(rest), func(x, y actors.Ref) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.ID, y.ID))
	}) {
		if err := yield(h.state(ref)); err != nil {
			return err
		}
	}
	return nil
}

// record passes on one event.
func (h *history) record(log logExtent, e *journal.Entry, i int, seqs map[actors.Ref]uint64, yield func(*bisect.Item) error) error {
	rec := &e.Records[i]
	ref := actors.Ref{Kind: rec.Kind, ID: rec.ID}
	last := seqs[ref]
	if rec.Seq > last+1 {
		base := h.bases[ref]
		if base == nil || base.seq < rec.Seq-1 {
			return fmt.Errorf("%w, see journal check: events %d to %d of %s are missing", errInconsistent, last+1, rec.Seq-1, ref)
		}
		if err := yield(h.state(ref)); err != nil {
			return err
		}
		last = base.seq
	}
	seqs[ref] = max(last, rec.Seq)
	if rec.Seq <= last {
		return nil
	}
	return yield(&bisect.Item{Actor: ref, Seq: rec.Seq, Data: rec.Event, Where: bisect.Place{
		Log: log.name, Entry: e.Seq, Record: i + 1, Shard: rec.Shard, Epoch: rec.Epoch,
	}})
}

// state is an actor as the checkpoint before the last has it.
func (h *history) state(ref actors.Ref) *bisect.Item {
	base, shard := h.bases[ref], cluster.ActorID(ref).Shard(h.r.view.Shards())
	return &bisect.Item{Actor: ref, Seq: base.seq, State: true, Data: base.state, Where: bisect.Place{
		Shard: shard, Epoch: cluster.Epoch(h.m.before[shard].GetPrevious().GetEpoch()),
	}}
}
