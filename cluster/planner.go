package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"

	clientv3 "go.etcd.io/etcd/client/v3"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// maxMoving bounds how many shards are between two live nodes at a time, since
// nobody serves them then.
const maxMoving = 8

// maxTxnPuts keeps one Txn of assignments below etcd's limit of 128 operations.
const maxTxnPuts = 100

// RunPlanner makes m stand for coordinator, and plan while it is, until ctx ends
// or m is done. Every member may run it: one plans, the others wait. A plan is
// no more than a wish, so that two coordinators who overlap for a moment can
// only disagree about wishes.
func RunPlanner(ctx context.Context, m *Member) error {
	for {
		snap := m.view.snap.Load()
		var err error
		switch snap.coordinator.incarnation {
		case "":
			err = m.campaign(ctx)
		case m.inc:
			err = m.plan(ctx, snap)
		}
		if err != nil && !errors.Is(err, ErrUnavailable) {
			return fmt.Errorf("run planner: %w", err)
		}
		// Whatever was written, or made a write fail, comes with the watch.
		select {
		case <-snap.next:
		case <-m.done:
			return fmt.Errorf("run planner: %w", m.err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

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

// plan writes the assignments that should change now, as of snap. When anything
// else wrote them meanwhile nothing is written: a newer snapshot is coming.
func (m *Member) plan(ctx context.Context, snap *snapshot) error {
	rows := snap.assignments.rows
	todo := nextAssignments(snap)
	for chunk := range slices.Chunk(todo, maxTxnPuts) {
		g := guard{ifs: []clientv3.Cmp{
			clientv3.Compare(clientv3.ModRevision(m.view.keys.coordinator()), "=", snap.coordinator.rev),
		}}
		for _, as := range chunk {
			key := m.view.keys.assignment(as.shard)
			v := &clusterv1.Assignment{Node: string(as.node), Pinned: string(rows[as.shard].pinned)}
			g.ifs = append(g.ifs, clientv3.Compare(clientv3.ModRevision(key), "=", rows[as.shard].rev))
			g.then = append(g.then, clientv3.OpPut(key, encode(v)))
		}
		out, err := m.commit(ctx, "assign shards", g)
		if err != nil {
			return err
		}
		if !out.done {
			return nil
		}
		m.view.cfg.Logger.Info("shards assigned", "changed", len(chunk))
	}
	return nil
}

type newAssignment struct {
	shard ShardID
	node  NodeName
}

// nextAssignments returns the changes that lead towards the plan. A shard that
// nobody serves is assigned at once. One that is served moves only while fewer
// than maxMoving are without the owner they should have: its owner releases it,
// the new one claims it, and the next snapshot lets the next one go.
func nextAssignments(snap *snapshot) []newAssignment {
	var eligible []NodeName
	for _, n := range snap.nodes.sorted {
		if slices.Contains(n.GetRoles(), RoleShard) && n.GetState() == clusterv1.NodeState_NODE_STATE_UP {
			eligible = append(eligible, NodeName(n.GetName()))
		}
	}
	if len(eligible) == 0 {
		return nil
	}
	rows, routes := snap.assignments.rows, snap.routes.routes
	in := PlanInput{Nodes: eligible, Current: make([]NodeName, len(rows)), Pinned: make([]NodeName, len(rows))}
	moving := 0
	onItsWay := func(s int) bool { return rows[s].node != "" && rows[s].node != routes[s].Node }
	for s, row := range rows {
		in.Current[s], in.Pinned[s] = row.node, row.pinned
		if !slices.Contains(eligible, row.node) {
			in.Current[s] = routes[s].Node
		}
		if onItsWay(s) {
			moving++
		}
	}
	var todo []newAssignment
	for s, node := range Plan(in) {
		if node == rows[s].node {
			continue
		}
		if routes[s].Owned() && routes[s].Node != node && !onItsWay(s) {
			if moving >= maxMoving {
				continue
			}
			moving++
		}
		todo = append(todo, newAssignment{ShardID(s), node})
	}
	return todo
}
