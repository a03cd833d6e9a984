package cluster

import (
	"slices"
	"time"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// onItsWay returns the node that shard s is to be moved or handed to, and has
// not come to.
func (s *snapshot) onItsWay(shard ShardID) (NodeName, bool) {
	to := s.assignments.Node(shard)
	return to, to != "" && to != s.routes.Owner(shard).Node
}

// eligible returns the nodes that may own shards, by name.
func (s *snapshot) eligible() []NodeName {
	var out []NodeName
	for _, n := range s.nodes.sorted {
		up := n.GetState() == clusterv1.NodeState_NODE_STATE_UP
		if up && slices.Contains(n.GetRoles(), RoleShard) && !s.drained[NodeName(n.GetName())] {
			out = append(out, NodeName(n.GetName()))
		}
	}
	return out
}

// input is the input of a plan: shards are where they are assigned, if that
// node may own any, else where they are. What is left of job is taken for done.
func (s *snapshot) input(nodes []NodeName, job *clusterv1.Rebalance) PlanInput {
	in := PlanInput{Nodes: nodes, Shards: make([]PlanShard, len(s.assignments.rows))}
	known := s.weights.complete()
	for i, row := range s.assignments.rows {
		owner := s.routes.routes[i]
		in.Shards[i] = PlanShard{Node: row.node, Owned: owner.Owned(), Pinned: row.pinned, Weight: known[i]}
		if !slices.Contains(nodes, row.node) {
			in.Shards[i].Node = owner.Node
		}
	}
	if job.GetFinished() == nil {
		for _, m := range job.GetMoves() {
			if m.GetState() == clusterv1.MoveState_MOVE_STATE_PENDING && int(m.GetShard()) < len(in.Shards) {
				in.Shards[m.GetShard()].Node = NodeName(m.GetTo())
			}
		}
	}
	return in
}

// propose makes a plan for the cluster as it is, or stands by the last one, or
// returns what is left of the rebalance that goes on.
func (s *snapshot) propose(now time.Time, last *lastWord) Proposal {
	nodes := s.eligible()
	if !s.job.running() {
		return last.propose(now, s.input(nodes, nil))
	}
	var left []PlannedMove
	for _, m := range s.job.value.GetMoves() {
		if m.GetState() == clusterv1.MoveState_MOVE_STATE_PENDING {
			left = append(left, plannedMoveOf(m))
		}
	}
	before, then := s.input(nodes, nil), s.input(nodes, s.job.value)
	before.Begin, then.Begin = mustOnly, mustOnly
	p, after := Propose(before), Propose(then)
	p.Moves, p.After, p.Spread, p.Job = left, after.After, after.Spread, s.job.value.GetId()
	return p
}
