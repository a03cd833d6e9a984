package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// review returns the rebalance that goes on with what has become of its moves.
func (p *standing) review(now time.Time, snap *snapshot, nodes []NodeName) *clusterv1.Rebalance {
	job := proto.CloneOf(snap.job.value)
	left := 0
	for _, m := range job.GetMoves() {
		if m.GetState() != clusterv1.MoveState_MOVE_STATE_PENDING {
			continue
		}
		note := p.pointless(snap, nodes, m)
		switch {
		case snap.routes.Owner(ShardID(m.GetShard())).Node == NodeName(m.GetTo()):
			m.State = clusterv1.MoveState_MOVE_STATE_DONE
		case note != "":
			m.State, m.Note = clusterv1.MoveState_MOVE_STATE_DROPPED, note
		default:
			left++
		}
	}
	if left == 0 {
		job.Finished = timestamppb.New(now)
	}
	return job
}

// pointless says why a move of a rebalance should not be made any more, "" if it
// should.
func (p *standing) pointless(snap *snapshot, nodes []NodeName, m *clusterv1.PlannedMove) string {
	s, to := ShardID(m.GetShard()), NodeName(m.GetTo())
	if int(s) >= len(snap.routes.routes) {
		return "there is no such shard"
	}
	wanted := snap.assignments.rows[s]
	switch {
	case !slices.Contains(nodes, to):
		return fmt.Sprintf("%s takes no shards any more", to)
	case wanted.pinned != "" && wanted.pinned != to && slices.Contains(nodes, wanted.pinned):
		return fmt.Sprintf("it was pinned to %s", wanted.pinned)
	case wanted.node != NodeName(m.GetFrom()) && wanted.node != to && slices.Contains(nodes, wanted.node):
		return fmt.Sprintf("it was assigned to %s", wanted.node)
	case p.refused[s].node == to:
		return fmt.Sprintf("it did not get to %s in %v", to, gaveUpAfter)
	case wanted.node != to && p.shunned(to):
		return fmt.Sprintf("others did not get to %s", to)
	}
	return ""
}

// assign returns the assignments to be written: of shards that nobody serves at
// once, of the others as many as may be on their way.
func (p *standing) assign(now time.Time, snap *snapshot, in PlanInput, job *clusterv1.Rebalance) []newAssignment {
	todo := Propose(in).Moves
	bound := DefaultMaxMoving
	if job.GetFinished() == nil && len(job.GetMoves()) > 0 {
		bound = int(job.GetMaxMoving())
		for _, m := range job.GetMoves() {
			if m.GetState() == clusterv1.MoveState_MOVE_STATE_PENDING {
				todo = append(todo, plannedMoveOf(m))
			}
		}
	}
	slices.SortStableFunc(todo, func(x, y PlannedMove) int {
		return cmp.Compare(slices.Index(whyOrder, x.Why), slices.Index(whyOrder, y.Why))
	})

	rows, free := snap.assignments.rows, bound-p.onTheirWay(now)
	var out []newAssignment
	planned := make(map[ShardID]bool)
	for _, m := range todo {
		if planned[m.Shard] {
			continue
		}
		planned[m.Shard] = true
		if rows[m.Shard].node == m.To {
			continue // It is on its way.
		}
		if !in.Shards[m.Shard].Owned {
			out = append(out, newAssignment{m.Shard, m.To, WhyNoOwner})
			continue
		}
		if free <= 0 || p.underWay(m.Shard) {
			continue
		}
		free--
		out = append(out, newAssignment{m.Shard, m.To, m.Why})
	}
	// Shards that are to stay where they are, though it does not say so: nobody
	// has assigned them, or to a node that does not count, or in vain.
	for s, row := range in.Shards {
		s := ShardID(s)
		if !planned[s] && row.Node != "" && row.Node != rows[s].node {
			out = append(out, newAssignment{s, row.Node, ""})
		}
	}
	return out
}
