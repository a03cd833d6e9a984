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
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard/checkpoint"
)

// chronicle is what a shard's checkpoints are built upon. Its lock is held for
// the whole of one checkpoint.
type chronicle struct {
	mu sync.Mutex

	current *clusterv1.Checkpoint // nil before the first
	// captured holds each actor's share of current's state hash.
	captured map[actors.Ref]uint64
	written  int // objects written at this epoch, to name the next

	// When the last one was taken, and how many bytes of the node's log had been
	// appended by then. Read without the lock.
	at       atomic.Int64 // Unix nanoseconds
	appended atomic.Int64
}

// mark notes that a checkpoint was taken, or at least tried.
func (c *chronicle) mark(appended int64) {
	c.at.Store(time.Now().UnixNano())
	c.appended.Store(appended)
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
		if h == nil {
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
	// The oldest is checkpointed when half of the allowance is used up: by the
	// time its turn comes again, all others will have had theirs.
	if inc.appended.Load()-appended >= inc.cfg.CheckpointBytes/2 || time.Since(time.Unix(0, at)) >= inc.cfg.CheckpointEvery {
		return oldest
	}
	return nil
}

// takeCheckpoint writes the shard's state, or the difference to its last
// checkpoint, while its actors go on, and publishes it once the log is durable
// past the end of the walk. Each actor's state carries its own event number, so
// replay from the walk's beginning skips what a state has already.
func (inc *incarnation) takeCheckpoint(ctx context.Context, h *hosted) (err error) {
	c := &h.chronicle
	c.mu.Lock()
	defer c.mu.Unlock()

	// Replay begins behind the last durable entry as it is now: what is in
	// flight may be applied already, or not.
	appended, from := inc.appended.Load(), inc.journal.DurableSeq()+1
	full := c.current == nil || outgrown(c.current.GetParts())
	var changed map[actors.Ref]struct{}
	var refs []actors.Ref
	if err := h.do(ctx, func(h *hosted) {
		changed, h.people.dirty = h.people.dirty, make(map[actors.Ref]struct{})
		if full {
			refs = h.people.refs()
		}
	}); err != nil {
		return err
	}
	defer func() {
		if err != nil { // the next checkpoint has to hold them instead
			h.post(errand(func(h *hosted) { maps.Copy(h.people.dirty, changed) }), math.MaxInt)
		}
	}()
	if !full {
		refs = slices.Collect(maps.Keys(changed))
	}
	next := &clusterv1.Checkpoint{
		From:  &clusterv1.Position{Log: string(inc.logName), Seq: uint64(from)},
		Taken: timestamppb.Now(), Epoch: uint64(h.hold.Epoch),
		Parts: c.current.GetParts(), StateHash: c.current.GetStateHash(),
	}
	fresh := make(map[actors.Ref]uint64, len(refs))
	if full || len(refs) > 0 {
		part, err := inc.store.Write(ctx, h.id, h.hold.Epoch, c.written, inc.walk(ctx, h, refs, fresh))
		if err != nil {
			return fmt.Errorf("write checkpoint: %w", err)
		}
		c.written++
		if full {
			next.Parts, next.StateHash = nil, 0
		}
		next.Parts = append(slices.Clone(next.Parts), part)
	}
	for ref, share := range fresh {
		if !full {
			next.StateHash -= c.captured[ref]
		}
		next.StateHash += share
	}
	if err := inc.journal.Wait(ctx, inc.journal.End()); err != nil {
		return fmt.Errorf("wait for the log: %w", err)
	}
	next.Through = &clusterv1.Position{Log: string(inc.logName), Seq: uint64(inc.journal.DurableSeq())}
	if full {
		c.captured = make(map[actors.Ref]uint64, len(fresh))
	}
	// Published or not: the states that were walked are these now.
	maps.Copy(c.captured, fresh)
	next.Actors = uint64(len(c.captured))

	dropped, err := inc.member.PutCheckpoint(ctx, h.hold, next)
	if err != nil {
		c.current = nil // unknown what stands there: begin with a base again
		return fmt.Errorf("publish checkpoint: %w", err)
	}
	c.current = next
	c.mark(appended)
	inc.metrics.checkpoints.Inc()
	for _, object := range dropped {
		if err := inc.store.Delete(ctx, object); err != nil {
			inc.log.Warn("delete an old checkpoint", "object", object, "err", err)
		}
	}
	return nil
}

// walk asks the shard for the states of refs, a step at a time, and passes them
// on from the caller's goroutine. fresh receives their shares of the state hash.
func (inc *incarnation) walk(ctx context.Context, h *hosted, refs []actors.Ref, fresh map[actors.Ref]uint64) func(func(checkpoint.Actor) error) error {
	return func(yield func(checkpoint.Actor) error) error {
		for step := range slices.Chunk(refs, walkStep) {
			states := make([]checkpoint.Actor, 0, len(step))
			var failed error
			if err := h.do(ctx, func(h *hosted) {
				for _, ref := range step {
					a, ok, err := h.people.capture(ref)
					if err != nil {
						failed = err
						return
					}
					if ok {
						states = append(states, a)
					}
				}
			}); err != nil {
				return err
			}
			if failed != nil {
				return failed
			}
			for _, a := range states {
				fresh[actors.Ref{Kind: a.Kind, ID: a.ID}] = a.Hash()
				if err := yield(a); err != nil {
					return err
				}
			}
		}
		return nil
	}
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
