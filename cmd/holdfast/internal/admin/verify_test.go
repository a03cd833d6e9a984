package admin_test

import (
	"slices"
	"testing"

	"connectrpc.com/connect"

	"github.com/holdfast-game/holdfast/cluster"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard"
)

func TestVerifyAsksTheShards(t *testing.T) {
	d := openDesk(t)
	d.act = func(c *cluster.Command) *cluster.Answer {
		if c.Method != shard.MethodVerify {
			t.Errorf("shards are asked to %s", c.Method)
		}
		return &cluster.Answer{Body: &clusterv1.ShardVerified{Epoch: 3, Equal: c.To != cluster.ShardActor(2)}}
	}
	for name, tc := range map[string]struct {
		ask, want []uint32
		equal     bool
	}{
		"all":   {nil, []uint32{0, 1, 2, 3}, false},
		"some":  {[]uint32{3, 1, 3}, []uint32{1, 3}, true},
		"a bad": {[]uint32{2}, []uint32{2}, false},
	} {
		resp, err := d.client.VerifyShards(t.Context(), connect.NewRequest(&adminv1.VerifyShardsRequest{Shards: tc.ask}))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got []uint32
		for _, v := range resp.Msg.GetShards() {
			got = append(got, v.GetShard())
			if v.GetProof().GetEpoch() != 3 {
				t.Errorf("%s: shard %d: got proof %v, want that of its owner", name, v.GetShard(), v.GetProof())
			}
		}
		if !slices.Equal(got, tc.want) || resp.Msg.GetEqual() != tc.equal {
			t.Errorf("%s: got shards %v, equal %t, want %v, %t", name, got, resp.Msg.GetEqual(), tc.want, tc.equal)
		}
	}
	_, err := d.client.VerifyShards(t.Context(), connect.NewRequest(&adminv1.VerifyShardsRequest{Shards: []uint32{4}}))
	if connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("a shard that is not there: got %v, want InvalidArgument", err)
	}
}
