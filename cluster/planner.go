package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// maxTxnPuts keeps one Txn of assignments below etcd's limit of 128 operations.
const maxTxnPuts = 100

// RunPlanner makes m stand for coordinator, and plan while it is, until ctx ends
// or m is done. Every member may run it: one plans, the others wait. A plan is
// no more than a wish, so that two coordinators who overlap for a moment can
// only disagree about wishes.
func RunPlanner(ctx context.Context, m *Member) error {
	var mind *standing // nil while another plans
	for {
		snap := m.view.snap.Load()
		var err error
		var look <-chan time.Time
		switch snap.coordinator.incarnation {
		case "":
			mind, err = nil, m.campaign(ctx)
		case m.inc:
			if mind == nil {
				mind = new(standing)
			}
			err = m.carryOut(ctx, snap, mind.step(time.Now(), snap))
			look = time.After(planPace)
		default:
			mind = nil
		}
		if err != nil && !errors.Is(err, ErrUnavailable) {
			return fmt.Errorf("run planner: %w", err)
		}
		// Whatever was written, or made a write fail, comes with the watch.
		select {
		case <-snap.next:
		case <-look:
		case <-m.done:
			return fmt.Errorf("run planner: %w", m.err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Coordinator returns who plans, "" when nobody does.
func (v *View) Coordinator() Incarnation { return v.snap.Load().coordinator.incarnation }

// campaign makes m the coordinator unless there is one.
func (m *Member) campaign(ctx context.Context) error {
	key := m.view.keys.coordinator()
	me := &clusterv1.Owner{Node: string(m.cfg.Name), Incarnation: string(m.inc), Address: string(m.cfg.Address)}
	_, err := m.commit(ctx, "stand for coordinator", guard{
		ifs:  []clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(key), "=", 0)},
		then: []clientv3.Op{clientv3.OpPut(key, encode(me), clientv3.WithLease(m.id))},
	})
	return err
}

// carryOut writes an edict that was made from snap. As soon as anything else has
// written one of its keys since, nothing more is written: a newer snapshot is
// coming.
func (m *Member) carryOut(ctx context.Context, snap *snapshot, e edict) error {
	keys, log := m.view.keys, m.view.cfg.Logger
	for chunk := range slices.Chunk(e.assign, maxTxnPuts) {
		var ws []write
		for _, as := range chunk {
			row := snap.assignments.rows[as.shard]
			v := &clusterv1.Assignment{Node: string(as.node), Pinned: string(row.pinned), Why: as.why}
			ws = append(ws, write{keys.assignment(as.shard), row.rev, encode(v)})
		}
		if done, err := m.write(ctx, "assign shards", snap, ws...); !done || err != nil {
			return err
		}
		log.Info("shards assigned", "changed", len(chunk), "first", chunk[0].shard, "to", chunk[0].node, "why", chunk[0].why)
	}
	if e.job != nil {
		done, err := m.write(ctx, "put rebalance", snap, write{keys.rebalance(), snap.job.rev, encode(e.job)})
		if !done || err != nil {
			return err
		}
		if !snap.job.running() || e.job.GetFinished() != nil {
			log.Info("rebalance", "id", e.job.GetId(), "by", e.job.GetBy(), "moves", len(e.job.GetMoves()), "finished", e.job.GetFinished() != nil)
		}
	}
	if e.weights != nil {
		_, err := m.write(ctx, "put weights", snap, write{keys.weights(), snap.weights.rev, encode(e.weights)})
		return err
	}
	return nil
}

// write is a key that was at a revision, and what should stand there.
type write struct {
	key   string
	rev   int64
	value string
}

// write puts values as the coordinator, all or none, and says whether it did.
func (m *Member) write(ctx context.Context, what string, snap *snapshot, ws ...write) (bool, error) {
	g := guard{ifs: []clientv3.Cmp{
		clientv3.Compare(clientv3.ModRevision(m.view.keys.coordinator()), "=", snap.coordinator.rev),
	}}
	for _, w := range ws {
		g.ifs = append(g.ifs, clientv3.Compare(clientv3.ModRevision(w.key), "=", w.rev))
		g.then = append(g.then, clientv3.OpPut(w.key, w.value))
	}
	out, err := m.commit(ctx, what, g)
	return out.done, err
}
