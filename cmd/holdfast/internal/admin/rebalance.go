package admin

import (
	"context"
	"maps"
	"slices"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-game/holdfast/cluster"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Rebalance evens out the load, or says how it would.
func (s *Service) Rebalance(ctx context.Context, req *connect.Request[adminv1.RebalanceRequest]) (*connect.Response[adminv1.RebalanceResponse], error) {
	ctx, cancel := context.WithTimeout(ctx, etcdPatience)
	defer cancel()
	moving := req.Msg.GetMaxMoving()
	if moving > cluster.MaxShards {
		return nil, invalid("rebalance: max_moving: %d, must be at most %d", moving, cluster.MaxShards)
	}
	if req.Msg.GetDryRun() {
		return connect.NewResponse(s.proposal(s.view.Propose())), nil
	}
	p, err := s.view.Rebalance(ctx, int(moving))
	if err != nil {
		return nil, ofCluster(err)
	}
	return connect.NewResponse(s.proposal(p)), nil
}

// proposal writes a plan down, with the shards that each node has.
func (s *Service) proposal(p cluster.Proposal) *adminv1.RebalanceResponse {
	out := &adminv1.RebalanceResponse{
		Mean: p.Mean, Even: p.Even, SpreadBefore: p.SpreadBefore, SpreadAfter: p.Spread, Id: p.Job,
	}
	shares := make(map[cluster.NodeName]*adminv1.NodeShare)
	share := func(n cluster.NodeName) *adminv1.NodeShare {
		if shares[n] == nil {
			shares[n] = &adminv1.NodeShare{Node: string(n), Before: p.Before[n], After: p.After[n]}
		}
		return shares[n]
	}
	for n := range p.Before {
		share(n)
	}
	for n := range p.After {
		share(n)
	}
	at := make([]cluster.NodeName, s.view.Shards())
	for i := range at {
		at[i] = s.whereabouts(cluster.ShardID(i), p.After)
	}
	for _, m := range p.Moves {
		// A plan counts what it moves as with the node that it comes from.
		if int(m.Shard) < len(at) {
			at[m.Shard] = m.From
		}
		out.Moves = append(out.Moves, &clusterv1.PlannedMove{
			Shard: uint32(m.Shard), From: string(m.From), To: string(m.To), Weight: m.Weight, Why: m.Why,
			State: clusterv1.MoveState_MOVE_STATE_PENDING,
		})
	}
	for _, n := range at {
		if n != "" {
			share(n).ShardsBefore++
			share(n).ShardsAfter++
		}
	}
	for _, m := range p.Moves {
		if m.From != "" {
			share(m.From).ShardsAfter--
		}
		share(m.To).ShardsAfter++
	}
	for _, n := range slices.Sorted(maps.Keys(shares)) {
		out.Nodes = append(out.Nodes, shares[n])
	}
	for _, id := range p.Heavy {
		out.Heavy = append(out.Heavy, uint32(id))
	}
	return out
}

// whereabouts returns the node that has a shard or is about to, as plans count
// it: the one that it is assigned to if that may have any, else its owner.
func (s *Service) whereabouts(id cluster.ShardID, eligible map[cluster.NodeName]float64) cluster.NodeName {
	wanted := s.view.Assignments().Node(id)
	if _, ok := eligible[wanted]; ok {
		return wanted
	}
	return s.view.Routes().Owner(id).Node
}

// job writes down how far a rebalancing has got.
func job(j cluster.RebalanceJob) *clusterv1.Rebalance {
	out := &clusterv1.Rebalance{Id: j.ID, By: j.By, Started: timestamppb.New(j.Started), MaxMoving: uint32(max(0, j.MaxMoving))}
	if !j.Running() {
		out.Finished = timestamppb.New(j.Finished)
	}
	for _, m := range j.Moves {
		state := clusterv1.MoveState_MOVE_STATE_PENDING
		switch m.State {
		case cluster.MoveDone:
			state = clusterv1.MoveState_MOVE_STATE_DONE
		case cluster.MoveDropped:
			state = clusterv1.MoveState_MOVE_STATE_DROPPED
		}
		out.Moves = append(out.Moves, &clusterv1.PlannedMove{
			Shard: uint32(m.Shard), From: string(m.From), To: string(m.To), Weight: m.Weight, Why: m.Why, State: state, Note: m.Note,
		})
	}
	return out
}
