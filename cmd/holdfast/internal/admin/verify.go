package admin

import (
	"context"
	"slices"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	"github.com/holdfast-game/holdfast/cluster"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard"
)

// VerifyShards has the owners of shards prove that what is durable gives what is
// in memory.
func (s *Service) VerifyShards(ctx context.Context, req *connect.Request[adminv1.VerifyShardsRequest]) (*connect.Response[adminv1.VerifyShardsResponse], error) {
	wanted := slices.Clone(req.Msg.GetShards())
	for _, n := range wanted {
		if n >= uint32(s.view.Shards()) {
			return nil, invalid("shard %d: the cluster has shards 0 to %d", n, s.view.Shards()-1)
		}
	}
	if len(wanted) == 0 {
		for i := range uint32(s.view.Shards()) {
			wanted = append(wanted, i)
		}
	}
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)

	out := &adminv1.VerifyShardsResponse{Equal: true, Shards: make([]*adminv1.VerifiedShard, len(wanted))}
	g, gctx := errgroup.WithContext(ctx)
	// What a node is asked for at once it verifies together.
	g.SetLimit(parallel)
	for i, n := range wanted {
		g.Go(func() error {
			id, proof := cluster.ShardID(n), new(clusterv1.ShardVerified)
			if err := s.call(gctx, cluster.ShardActor(id), shard.MethodVerify, new(clusterv1.VerifyShard), proof); err != nil {
				return wrap(err, "verify shard %s", id)
			}
			out.Shards[i] = &adminv1.VerifiedShard{Shard: n, Proof: proof}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for _, v := range out.GetShards() {
		out.Equal = out.GetEqual() && v.GetProof().GetEqual()
	}
	return connect.NewResponse(out), nil
}
