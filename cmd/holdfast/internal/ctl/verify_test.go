package ctl

import (
	"context"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// prover is a node whose shards are equal, but for those named.
type prover struct {
	node
	bad   []uint32
	asked []uint32
}

func (p *prover) VerifyShards(_ context.Context, req *connect.Request[adminv1.VerifyShardsRequest]) (*connect.Response[adminv1.VerifyShardsResponse], error) {
	p.asked = req.Msg.GetShards()
	resp := &adminv1.VerifyShardsResponse{Equal: true}
	for _, s := range p.asked {
		proof := &clusterv1.ShardVerified{
			Epoch: 7, Actors: 2, LiveHash: 0xabc, Equal: true,
			Replays: []*clusterv1.ShardReplay{{Base: "current checkpoint", Hash: 0xabc, Actors: 2, Entries: 5, Events: 3}},
		}
		if slices.Contains(p.bad, s) {
			proof.Equal, proof.Replays[0].Hash, proof.Differences = false, 0xdef, []string{"player/p1 is not what it was"}
			resp.Equal = false
		}
		resp.Shards = append(resp.Shards, &adminv1.VerifiedShard{Shard: s, Proof: proof})
	}
	return connect.NewResponse(resp), nil
}

func TestVerifyPrintsTheProofs(t *testing.T) {
	p := &prover{bad: []uint32{3}}
	data := serve(t, p)
	out, _, err := ctl(t, "verify", "1", "2", "--data", data)
	if err != nil || !strings.Contains(out, "equal: yes") || !strings.Contains(out, "current checkpoint") || !slices.Equal(p.asked, []uint32{1, 2}) {
		t.Errorf("asked for %v: %v\n%s", p.asked, err, out)
	}
	out, _, err = ctl(t, "verify", "1", "3", "--data", data)
	if exit.Status(err) != exit.Failed || !strings.Contains(out, "equal: NO") || !strings.Contains(out, "shard 3: player/p1 is not") {
		t.Errorf("status %d (%v), want %d\n%s", exit.Status(err), err, exit.Failed, out)
	}
	if _, _, err = ctl(t, "verify", "all", "--data", data); exit.Status(err) != exit.Unusable {
		t.Errorf("verify all: status %d (%v), want %d", exit.Status(err), err, exit.Unusable)
	}
}
