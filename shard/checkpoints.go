package shard

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard/checkpoint"
)

// chronicle is what a shard's checkpoints are built upon. Its lock is held for
// the whole of one checkpoint.
type chronicle struct {
	mu sync.Mutex

	current *clusterv1.Checkpoint // nil before the first
	// captured holds each actor's share of the state hash as it was written last;
	// nil when nothing is known. Those that have changed since are dirty.
	captured map[actors.Ref]uint64
	written  int // objects written at this epoch, to name the next

	// When the last one was taken, and how many bytes of the node's log had been
	// appended by then. Read without the lock.
	at       atomic.Int64 // Unix nanoseconds
	appended atomic.Int64

	// Size of the shard as of the last one: actors, and encoded bytes. Read
	// without the lock.
	actors, bytes atomic.Uint64
}

// mark notes that a checkpoint was taken, or at least tried.
func (c *chronicle) mark(appended int64) {
	c.at.Store(time.Now().UnixNano())
	c.appended.Store(appended)
}

// measure notes the shard's size.
func (c *chronicle) measure(cp *clusterv1.Checkpoint) {
	c.actors.Store(cp.GetActors())
	var bytes uint64
	for _, p := range cp.GetParts() {
		bytes += p.GetBytes()
	}
	c.bytes.Store(bytes)
}

// walkStep is how many actors hand over their state in one errand, so that
// players wait for a few hundred encodings at most.
const walkStep = 128

// checkpointPace is how often the checkpointer looks for work.
const checkpointPace = 100 * time.Millisecond

// checkpoints takes checkpoints of one shard after the other: of each shard
// every CheckpointEvery, and oftener when the log grows, such that no more than
// CheckpointBytes of it have to be replayed.
func (inc *incarnation) checkpoints(ctx context.Context) {
	tick := time.NewTicker(checkpointPace)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for h := inc.dueShard(); h != nil && ctx.Err() == nil; h = inc.dueShard() {
			if err := inc.takeCheckpoint(ctx, h); err != nil && ctx.Err() == nil {
				inc.ballast.note(err)
				inc.metrics.checkpointErrors.Inc()
				inc.log.Error("checkpoint", "shard", h.id, "err", err)
				h.chronicle.mark(inc.appended.Load())
			}
		}
	}
}

// dueShard returns the shard whose checkpoint is the oldest, if it is due.
func (inc *incarnation) dueShard() *hosted {
	var oldest *hosted
	var appended, at int64
	for i := range inc.shards {
		h := inc.shards[i].Load()
		if h == nil || h.moving.Load() {
			continue
		}
		n, t := h.chronicle.appended.Load(), h.chronicle.at.Load()
		if oldest == nil || n < appended || n == appended && t < at {
			oldest, appended, at = h, n, t
		}
	}
	if oldest == nil {
		return nil
	}
	if inc.appended.Load()-appended >= inc.cfg.CheckpointBytes || time.Since(time.Unix(0, at)) >= inc.cfg.CheckpointEvery {
		return oldest
	}
	return nil
}

// takeCheckpoint writes the shard's state, or the difference to its last
// checkpoint, while its actors go on, and publishes it once the log is durable
// past the end of the walk. Each actor's state carries its own event number, so
// replay from the walk's beginning skips what a state has already.
func (inc *incarnation) takeCheckpoint(ctx context.Context, h *hosted) (err error) {
	h.chronicle.mu.Lock()
	defer h.chronicle.mu.Unlock()
	w := inc.newWalk(h)
	defer func() {
		if err != nil { // the next checkpoint has to hold them instead
			h.post(errand(func(h *hosted) { maps.Copy(h.people.dirty, w.changed) }), math.MaxInt)
		}
	}()
	if err := w.begin(ctx); err != nil {
		return fmt.Errorf("begin checkpoint: %w", err)
	}
	next, err := inc.write(ctx, w)
	if err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	return inc.publish(ctx, w, next)
}

// walk is one passage over a shard's actors.
type walk struct {
	shard *hosted
	// from is where replay upon the walk begins, and appended how much the log
	// had been given by then.
	from     cluster.LogSeq
	appended int64

	// full: refs are all actors. Otherwise they are changed, those that have
	// changed since the last walk began.
	full    bool
	changed map[actors.Ref]struct{}
	refs    []actors.Ref

	// shares are those of the walked actors in the state hash.
	shares map[actors.Ref]uint64
}

// newWalk begins a walk. Replay begins behind the last entry that is durable
// before it: what is in flight may be applied already, or not.
func (inc *incarnation) newWalk(h *hosted) *walk {
	current := h.chronicle.current
	return &walk{
		shard: h, from: inc.journal.DurableSeq() + 1, appended: inc.appended.Load(),
		full: current == nil || outgrown(current.GetParts()), shares: make(map[actors.Ref]uint64),
	}
}

// begin decides what to walk over.
func (w *walk) begin(ctx context.Context) error {
	var failed error // touched by the errand until it is done, as in step
	err := w.shard.do(ctx, func(h *hosted) {
		if failed = h.broken; failed != nil {
			return
		}
		w.changed, h.people.dirty = h.people.dirty, make(map[actors.Ref]struct{})
		if w.full {
			w.refs = h.people.refs()
		} else {
			w.refs = slices.Collect(maps.Keys(w.changed))
		}
	})
	if err != nil {
		return err
	}
	return failed
}

// write writes the states of the walked actors, and returns the checkpoint that
// they make with what was written before.
func (inc *incarnation) write(ctx context.Context, w *walk) (*clusterv1.Checkpoint, error) {
	h, c := w.shard, &w.shard.chronicle
	next := &clusterv1.Checkpoint{
		From:  &clusterv1.Position{Log: string(inc.logName), Seq: uint64(w.from)},
		Taken: timestamppb.Now(), Epoch: uint64(h.hold.Epoch),
	}
	if !w.full {
		next.Parts, next.StateHash = slices.Clone(c.current.GetParts()), c.current.GetStateHash()
	}
	if w.full || len(w.refs) > 0 {
		part, err := inc.store.Write(ctx, h.id, h.hold.Epoch, c.written, w.states(ctx))
		if err != nil {
			return nil, err
		}
		c.written++
		next.Parts = append(next.Parts, part)
	}
	if w.full {
		c.captured = make(map[actors.Ref]uint64, len(w.shares))
	}
	for ref, share := range w.shares {
		next.StateHash += share - c.captured[ref]
		c.captured[ref] = share
	}
	next.Actors = uint64(len(c.captured))
	c.measure(next)
	return next, nil
}

// publish makes a checkpoint the shard's current one as soon as the log has
// everything that its states have.
func (inc *incarnation) publish(ctx context.Context, w *walk, next *clusterv1.Checkpoint) error {
	c := &w.shard.chronicle
	// Until it is known to stand, the next one must not be a difference to it.
	c.current = nil
	if err := inc.journal.Wait(ctx, inc.journal.End()); err != nil {
		return fmt.Errorf("wait for the log: %w", err)
	}
	next.Through = &clusterv1.Position{Log: string(inc.logName), Seq: uint64(inc.journal.DurableSeq())}
	dropped, err := inc.member.PutCheckpoint(ctx, w.shard.hold, next)
	if err != nil {
		return fmt.Errorf("publish checkpoint: %w", err)
	}
	c.current = next
	c.mark(w.appended)
	inc.metrics.checkpoints.Inc()
	for _, object := range dropped {
		if err := inc.store.Delete(ctx, object); err != nil {
			inc.log.Warn("delete an old checkpoint", "object", object, "err", err)
		}
	}
	return nil
}

// states asks the shard for the states of the walked actors, a step at a time,
// and passes them on from the caller's goroutine.
func (w *walk) states(ctx context.Context) func(func(checkpoint.Actor) error) error {
	return func(yield func(checkpoint.Actor) error) error {
		for refs := range slices.Chunk(w.refs, walkStep) {
			states, err := w.step(ctx, refs)
			if err != nil {
				return err
			}
			for _, a := range states {
				w.shares[actors.Ref{Kind: a.Kind, ID: a.ID}] = a.Hash()
				if err := yield(a); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// step captures a few actors in one errand. A shard that has stopped itself has
// actors with events that were never appended: what is durable must not have
// them.
func (w *walk) step(ctx context.Context, refs []actors.Ref) ([]checkpoint.Actor, error) {
	// Only the errand touches these until it is done, which may be after do gave
	// up waiting.
	states, failed := make([]checkpoint.Actor, 0, len(refs)), error(nil)
	err := w.shard.do(ctx, func(h *hosted) {
		if failed = h.broken; failed != nil {
			return
		}
		for _, ref := range refs {
			a, ok, err := h.people.capture(ref)
			if err != nil {
				failed = err
				return
			}
			if ok {
				states = append(states, a)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return states, failed
}

// maxParts bounds the differences upon one base, so that loading stays a few
// reads.
const maxParts = 16

// outgrown says that the differences have outgrown their base, so that the next
// checkpoint should be a base again.
func outgrown(parts []*clusterv1.Part) bool {
	if len(parts) == 0 || len(parts) >= maxParts {
		return true
	}
	var differences uint64
	for _, p := range parts[1:] {
		differences += p.GetBytes()
	}
	return differences > parts[0].GetBytes()
}
