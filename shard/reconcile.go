package shard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-game/holdfast/cluster"
)

const (
	// reconcilePace is how often assignments are compared with what is held even
	// when nothing seems to have changed.
	reconcilePace = time.Second
	// claimPause is how long a shard that could not be claimed is left alone.
	claimPause = time.Second
	// releases bounds how many shards are given back at once.
	releases = 8
)

// reconcile makes what this incarnation holds follow what is assigned to it:
// it claims what nobody owns, gives back what is another's, and resolves what
// an interrupted claim may have left behind.
func (inc *incarnation) reconcile(ctx context.Context) {
	tick := time.NewTicker(reconcilePace)
	defer tick.Stop()
	for ctx.Err() == nil {
		// The channels are taken before the state is read, so that no change
		// falls between.
		assigned, routes := inc.member.AssignedChanged(), inc.view.Changed()
		inc.settle(ctx)
		select {
		case <-ctx.Done():
		case <-inc.drain:
			return // handBack goes on from here
		case <-assigned:
		case <-routes:
		case f := <-inc.failures:
			inc.restart(ctx, f)
		case <-tick.C:
			if err := inc.resolve(ctx); err != nil && ctx.Err() == nil {
				inc.log.Warn("compare owned shards", "err", err)
			}
		}
	}
}

// settle claims and releases once.
func (inc *incarnation) settle(ctx context.Context) {
	wanted := make(map[cluster.ShardID]bool)
	var missing []cluster.ShardID
	routes := inc.view.Routes()
	for _, s := range inc.member.Assigned() {
		wanted[s] = true
		if inc.shards[s].Load() == nil && !routes.Owner(s).Owned() && !inc.paused(s) {
			missing = append(missing, s)
		}
	}
	var g errgroup.Group
	g.SetLimit(releases)
	for i := range inc.shards {
		h := inc.shards[i].Load()
		if h == nil || wanted[h.id] {
			continue
		}
		g.Go(func() error {
			if err := inc.giveBack(ctx, h); err != nil && ctx.Err() == nil {
				inc.log.Error("release", "shard", h.id, "err", err)
			}
			return nil
		})
	}
	_ = g.Wait()
	if len(missing) > 0 {
		inc.claim(ctx, missing)
	}
}

// freeze takes a shard out of the routing table and lets the turns that are
// queued before it finish. After it the shard appends nothing.
func (inc *incarnation) freeze(ctx context.Context, h *hosted) error {
	if !inc.shards[h.id].CompareAndSwap(h, nil) {
		return errStopped
	}
	inc.metrics.shards.Dec()
	return h.do(ctx, func(h *hosted) { h.frozen = true })
}

// giveBack releases a shard in good order: what it has answered is durable, and
// its segment of the log is closed, so that its next owner need not seal.
func (inc *incarnation) giveBack(ctx context.Context, h *hosted) error {
	if err := inc.freeze(ctx, h); err != nil {
		return err
	}
	defer h.stop()
	return inc.release(ctx, h)
}

func (inc *incarnation) release(ctx context.Context, h *hosted) error {
	if err := inc.journal.Wait(ctx, inc.journal.End()); err != nil {
		return fmt.Errorf("wait for the log: %w", err)
	}
	if err := inc.member.Release(ctx, h.hold, inc.journal.DurableSeq()); err != nil {
		return err
	}
	inc.log.Debug("released", "shard", h.id, "epoch", h.hold.Epoch)
	return nil
}

// restart gives back a shard that stopped itself. It is claimed again like any
// other, and so begins with what the log has.
func (inc *incarnation) restart(ctx context.Context, f failure) {
	inc.pause(f.shard.id, f.err)
	f.shard.stop()
	if err := inc.release(ctx, f.shard); err != nil && ctx.Err() == nil {
		inc.log.Error("release a stopped shard", "shard", f.shard.id, "err", err)
	}
}

// resolve compares what etcd says this incarnation owns with what it holds. A
// shard that is owned but not held is left over from a claim or release whose
// outcome was unknown: it is claimed again. One that is held but not owned must
// not be served.
func (inc *incarnation) resolve(ctx context.Context) error {
	owned, err := inc.member.Owned(ctx)
	if err != nil {
		return err
	}
	mine := make(map[cluster.ShardID]bool, len(owned))
	var forgotten []cluster.ShardID
	for _, s := range owned {
		mine[s] = true
		if inc.shards[s].Load() == nil && !inc.paused(s) {
			forgotten = append(forgotten, s)
		}
	}
	if len(forgotten) > 0 {
		inc.log.Warn("owned, but not served: claiming anew", "shards", forgotten)
		inc.claim(ctx, forgotten)
	}
	for i := range inc.shards {
		h := inc.shards[i].Load()
		if h == nil || mine[h.id] {
			continue
		}
		inc.log.Error("served, but not owned", "shard", h.id, "epoch", h.hold.Epoch)
		if err := inc.freeze(ctx, h); err != nil && !errors.Is(err, errStopped) {
			return err
		}
		h.stop()
	}
	return nil
}

// handBack drains the node: every shard is frozen, checkpointed and released,
// until ctx is done.
func (inc *incarnation) handBack(ctx context.Context) error {
	if inc.journal == nil {
		return nil
	}
	start, held := time.Now(), 0
	var g errgroup.Group
	g.SetLimit(releases)
	for i := range inc.shards {
		h := inc.shards[i].Load()
		if h == nil {
			continue
		}
		held++
		g.Go(func() error {
			if err := inc.freeze(ctx, h); err != nil {
				return fmt.Errorf("freeze shard %d: %w", h.id, err)
			}
			defer h.stop()
			if err := inc.takeCheckpoint(ctx, h); err != nil {
				// The log has it all: the next owner replays more, that is all.
				inc.log.Warn("last checkpoint", "shard", h.id, "err", err)
			}
			if err := inc.release(ctx, h); err != nil {
				return fmt.Errorf("release shard %d: %w", h.id, err)
			}
			return nil
		})
	}
	err := g.Wait()
	inc.log.Info("drained", "shards", held, "took", time.Since(start).Round(time.Millisecond), "err", err)
	return err
}

// ready says whether every shard that is assigned to this node is served by it,
// and every shard of the cluster by somebody.
func (inc *incarnation) ready() error {
	if inc.journal == nil {
		return nil
	}
	for _, s := range inc.member.Assigned() {
		if inc.shards[s].Load() == nil {
			return fmt.Errorf("shard %d is assigned to this node but not served yet", s)
		}
	}
	routes := inc.view.Routes()
	for i := range inc.shards {
		if !routes.Owner(cluster.ShardID(i)).Owned() {
			return fmt.Errorf("shard %d has no owner yet", i)
		}
	}
	return nil
}
