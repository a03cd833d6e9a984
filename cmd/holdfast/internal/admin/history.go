package admin

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/audit"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

const (
	// usualRecords is how many records are returned when no number is asked for.
	usualRecords = 50
	// maxRecords bounds what one call reads and returns: below 1 MiB.
	maxRecords = 1000
)

// Owners tells who has owned a shard.
func (s *Service) Owners(ctx context.Context, req *connect.Request[adminv1.OwnersRequest]) (*connect.Response[adminv1.OwnersResponse], error) {
	ctx, cancel := context.WithTimeout(ctx, natsPatience)
	defer cancel()
	m := req.Msg
	if err := s.checkShard("owners", m.GetShard()); err != nil {
		return nil, err
	}
	limit, err := limitOf("owners", m.GetLimit(), usualRecords)
	if err != nil {
		return nil, err
	}
	id, out := cluster.ShardID(m.GetShard()), new(adminv1.OwnersResponse)
	if m.GetAt() == nil {
		if out.Records, err = s.trail.Owners(ctx, id, limit); err != nil {
			return nil, ofStream(err)
		}
		return connect.NewResponse(out), nil
	}
	if err := m.GetAt().CheckValid(); err != nil {
		return nil, invalid("owners: at: %w", err)
	}
	record, err := s.trail.At(ctx, id, m.GetAt().AsTime())
	switch {
	case err == nil:
		out.Records = []*clusterv1.OwnerRecord{record}
	case !errors.Is(err, audit.ErrNoRecord):
		return nil, ofStream(err)
	}
	return connect.NewResponse(out), nil
}

// Moves lists receipts, and what moves now.
func (s *Service) Moves(ctx context.Context, req *connect.Request[adminv1.MovesRequest]) (*connect.Response[adminv1.MovesResponse], error) {
	ctx, cancel := context.WithTimeout(ctx, movesPatience)
	defer cancel()
	limit, err := limitOf("moves", req.Msg.GetLimit(), usualRecords)
	if err != nil {
		return nil, err
	}
	out := new(adminv1.MovesResponse)
	if out.Receipts, err = s.trail.Moves(ctx, limit); err != nil {
		return nil, ofStream(err)
	}
	routes, wanted := s.view.Routes(), s.view.Assignments()
	for i := range cluster.ShardID(s.view.Shards()) {
		from, to := routes.Owner(i).Node, wanted.Node(i)
		if to != "" && from != to {
			out.UnderWay = append(out.UnderWay, &adminv1.MoveUnderWay{Shard: uint32(i), From: string(from), To: string(to)})
		}
	}
	if j, ok := s.view.Rebalancing(); ok {
		out.Rebalancing = job(j)
	}
	return connect.NewResponse(out), nil
}

// limitOf reads a limit of a request, 0 being the usual one.
func limitOf(what string, limit, usual uint32) (int, error) {
	if limit > maxRecords {
		return 0, invalid("%s: limit: %d, must be at most %d", what, limit, maxRecords)
	}
	if limit == 0 {
		limit = usual
	}
	return int(limit), nil
}
