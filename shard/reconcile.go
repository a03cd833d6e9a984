package shard

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

const (
	// reconcilePace is how often assignments are compared with what is held even
	// when nothing seems to have changed.
	reconcilePace = time.Second
	// claimPause is how long a shard that could not be claimed is left alone.
	claimPause = time.Second
	// releases bounds how many shards are given back at once when the node ends.
	releases = 8
)

// reconcile makes what this incarnation holds follow what is assigned to it:
// it claims what nobody owns, moves away what is another's, and resolves what
// an interrupted claim or move may have left behind.
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
		case <-inc.handingBack:
			return // handBack goes on from here
		case <-inc.stirred:
			if inc.unsure.Swap(false) {
				inc.compare(ctx)
			}
		case <-assigned:
		case <-routes:
		case f := <-inc.failures:
			inc.restart(ctx, f)
		case <-tick.C:
			inc.compare(ctx)
		}
	}
}

// compare is resolve for whom an error is no reason to stop.
func (inc *incarnation) compare(ctx context.Context) {
	if err := inc.resolve(ctx); err != nil && ctx.Err() == nil {
		inc.log.Warn("compare owned shards", "err", err)
	}
}

// settle claims what is missing, and begins to move what belongs elsewhere. A
// shard whose new node does not live stays: being served here is better than
// nowhere.
func (inc *incarnation) settle(ctx context.Context) {
	var missing []cluster.ShardID
	assignments, routes := inc.view.Assignments(), inc.view.Routes()
	for i := range inc.shards {
		s := cluster.ShardID(i)
		h := inc.shards[s].Load()
		switch {
		case assignments.Node(s) == inc.member.Name():
			if h == nil && !routes.Owner(s).Owned() && !inc.paused(s) && !inc.moves.underWay(s) && !inc.draining() {
				missing = append(missing, s)
			}
		case h != nil:
			if to := inc.moveTarget(s); to != nil {
				inc.depart(h, to)
			}
		}
	}
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
	return h.do(ctx, func(h *hosted) {
		h.part(time.Now())
		h.frozen = true
	})
}

// thaw has a frozen shard serve again.
func (inc *incarnation) thaw(h *hosted) {
	inc.shards[h.id].Store(h)
	inc.metrics.shards.Inc()
	h.post(errand(func(h *hosted) {
		if h.broken != nil {
			// It has stopped itself, while it was in nobody's table.
			inc.failed(h, h.broken)
			return
		}
		h.frozen = false
		h.ring(time.Now()) // for what was due meanwhile
	}), math.MaxInt)
}

// release gives a frozen shard up in good order: what it has answered is
// durable, and its segment of the log is closed, so that its next owner need not
// seal.
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
	// Only what was served before etcd was asked can be found to be another's.
	before := make([]*hosted, len(inc.shards))
	for i := range inc.shards {
		before[i] = inc.shards[i].Load()
	}
	owned, err := inc.member.Owned(ctx)
	if err != nil {
		return err
	}
	mine := make(map[cluster.ShardID]bool, len(owned))
	var forgotten []cluster.ShardID
	for _, s := range owned {
		mine[s] = true
		if inc.shards[s].Load() == nil && !inc.paused(s) && !inc.moves.underWay(s) {
			forgotten = append(forgotten, s)
		}
	}
	if len(forgotten) > 0 {
		inc.log.Warn("owned, but not served: claiming anew", "shards", forgotten)
		inc.claim(ctx, forgotten)
	}
	for i := range inc.shards {
		h := inc.shards[i].Load()
		if h == nil || h != before[i] || mine[h.id] || inc.moves.underWay(h.id) {
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

// draining says whether the node is on its way out.
func (inc *incarnation) draining() bool {
	select {
	case <-inc.drain:
		return true
	default:
		return false
	}
}

// moveOut waits until the planner has had every shard moved to other nodes, for
// so long at most. A node that is alone does not wait.
func (inc *incarnation) moveOut(ctx context.Context, patience time.Duration) {
	defer close(inc.handingBack)
	if inc.journal == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := inc.member.SetState(ctx, clusterv1.NodeState_NODE_STATE_DRAINING); err != nil {
		inc.log.Warn("say that the node is on its way out", "err", err)
		return
	}
	start := time.Now()
	inc.until(ctx, func() bool { return inc.serving() == 0 || !inc.hasHeirs() })
	inc.log.Info("moved out", "left", inc.serving(), "took", time.Since(start).Round(time.Millisecond))
}

// until waits for something that is no event of the view, until ctx is done or
// the incarnation has lost its lease or its log.
func (inc *incarnation) until(ctx context.Context, done func() bool) {
	look := time.NewTicker(reconcilePace / 50)
	defer look.Stop()
	for !done() {
		select {
		case <-look.C:
		case <-inc.journal.Done():
			return
		case <-inc.member.Done():
			return
		case <-ctx.Done():
			return
		}
	}
}

// serving is how many shards this node serves, or has on their way.
func (inc *incarnation) serving() (n int) {
	for i := range inc.shards {
		if inc.shards[i].Load() != nil {
			n++
		}
	}
	return n + inc.moves.count()
}

// hasHeirs says whether another node can take shards.
func (inc *incarnation) hasHeirs() bool {
	return slices.ContainsFunc(inc.view.Nodes(), func(n *clusterv1.Node) bool {
		return n.GetName() != string(inc.member.Name()) && n.GetState() == clusterv1.NodeState_NODE_STATE_UP &&
			slices.Contains(n.GetRoles(), cluster.RoleShard) && !inc.view.Drained(cluster.NodeName(n.GetName()))
	})
}

// handBack gives up what could not be moved: every shard is frozen, checkpointed
// and released, until ctx is done.
func (inc *incarnation) handBack(ctx context.Context) error {
	if inc.journal == nil {
		return nil
	}
	start, held := time.Now(), 0
	// What has not come to its transaction yet is called off; the rest ends soon,
	// one way or the other.
	inc.moves.stop()
	inc.until(ctx, func() bool { return inc.moves.count() == 0 })
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

// ready says whether every shard has an owner, and this node serves those that
// are its own. One that is just being moved is served by somebody.
func (inc *incarnation) ready() error {
	if inc.journal == nil {
		return nil
	}
	routes := inc.view.Routes()
	for i := range inc.shards {
		s := cluster.ShardID(i)
		switch owner := routes.Owner(s); {
		case !owner.Owned():
			return fmt.Errorf("shard %s has no owner yet", s)
		case owner.Incarnation == inc.member.Incarnation() && inc.shards[s].Load() == nil && !inc.moves.underWay(s):
			return fmt.Errorf("shard %s is this node's but not served yet", s)
		}
	}
	return nil
}
