package etcdmodel_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-game/holdfast/cluster/clustertest"
	"github.com/holdfast-game/holdfast/cluster/etcdmodel"
)

// TestModelIsLikeEtcd does the same to both, at random, and compares what they
// answer.
func TestModelIsLikeEtcd(t *testing.T) {
	client := clustertest.Start(t).Client()
	etcd, model := clientv3.RetryKVClient(client), etcdmodel.New()
	const seed = 1
	r := rand.New(rand.NewPCG(seed, 5))
	key := func() []byte { return []byte{'k', byte('a' + r.IntN(4))} }

	// The model's first revision, as etcd counts.
	now, err := etcd.Range(t.Context(), &pb.RangeRequest{Key: []byte("k")})
	if err != nil {
		t.Fatal(err)
	}
	offset := now.GetHeader().GetRevision() - 1
	live := []int64{0} // leases; 0 is none
	for step := range 2000 {
		switch p := r.IntN(20); {
		case p == 0:
			id := int64(1000 + step)
			if _, err := pb.NewLeaseClient(client.ActiveConnection()).LeaseGrant(t.Context(), &pb.LeaseGrantRequest{ID: id, TTL: 60}); err != nil {
				t.Fatal(err)
			}
			model.Grant(id)
			live = append(live, id)
		case p == 1 && len(live) > 2:
			id := live[1] // Stays in live: puts on it must fail from now on.
			_, err := client.Revoke(t.Context(), clientv3.LeaseID(id))
			if err != nil && !errors.Is(err, rpctypes.ErrLeaseNotFound) {
				t.Fatal(err)
			}
			model.Revoke(id)
			live = append(live[:1], append(live[2:], id)...)
		}
		now, err := etcd.Range(t.Context(), &pb.RangeRequest{Key: []byte("k"), RangeEnd: []byte("l")})
		if err != nil {
			t.Fatal(err)
		}
		revs := []int64{0}
		for _, kv := range now.GetKvs() {
			revs = append(revs, kv.GetModRevision())
		}
		in := randomTxn(r, key, live, revs)
		got, gotErr := model.Txn(t.Context(), shift(in, -offset))
		want, wantErr := etcd.Txn(t.Context(), in)
		g, w := describe(got, gotErr, offset), describe(want, wantErr, 0)
		if g != w {
			t.Fatalf("step %d of seed %d: %v\nmodel: %s\netcd:  %s", step, seed, in, g, w)
		}
	}
}

// randomTxn compares up to two things with the given leases and revisions, and
// does up to three.
func randomTxn(r *rand.Rand, key func() []byte, leases, revs []int64) *pb.TxnRequest {
	in := new(pb.TxnRequest)
	for range r.IntN(3) {
		c := &pb.Compare{Key: key(), Target: pb.Compare_MOD, TargetUnion: &pb.Compare_ModRevision{ModRevision: revs[r.IntN(len(revs))]}}
		if r.IntN(2) == 0 {
			c = &pb.Compare{Key: key(), Target: pb.Compare_LEASE, TargetUnion: &pb.Compare_Lease{Lease: leases[r.IntN(len(leases))]}}
		}
		in.Compare = append(in.Compare, c)
	}
	put := make(map[string]bool) // A Txn may write a key once.
	ops := func() (ops []*pb.RequestOp) {
		for range 1 + r.IntN(3) {
			k := key()
			get := &pb.RequestOp{Request: &pb.RequestOp_RequestRange{RequestRange: &pb.RangeRequest{Key: []byte("k"), RangeEnd: []byte("l")}}}
			switch p := r.IntN(3); {
			case p == 0 || put[string(k)]:
				ops = append(ops, get)
			case p == 1:
				ops = append(ops, &pb.RequestOp{Request: &pb.RequestOp_RequestPut{RequestPut: &pb.PutRequest{
					Key: k, Value: fmt.Append(nil, r.IntN(100)), Lease: leases[r.IntN(len(leases))]}}})
				put[string(k)] = true
			default:
				ops = append(ops, &pb.RequestOp{Request: &pb.RequestOp_RequestDeleteRange{RequestDeleteRange: &pb.DeleteRangeRequest{Key: k}}})
				put[string(k)] = true
			}
		}
		return ops
	}
	in.Success = ops()
	clear(put)
	in.Failure = ops()
	return in
}

// shift returns in with the revisions that it compares moved.
func shift(in *pb.TxnRequest, by int64) *pb.TxnRequest {
	out := &pb.TxnRequest{Success: in.GetSuccess(), Failure: in.GetFailure()}
	for _, c := range in.GetCompare() {
		if rev := c.GetModRevision(); rev != 0 {
			c = &pb.Compare{Key: c.GetKey(), Target: c.GetTarget(), TargetUnion: &pb.Compare_ModRevision{ModRevision: rev + by}}
		}
		out.Compare = append(out.Compare, c)
	}
	return out
}

// describe writes an answer down, its revisions moved.
func describe(resp *pb.TxnResponse, err error, by int64) string {
	if err != nil {
		return rpctypes.Error(err).Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%v at %d", resp.GetSucceeded(), resp.GetHeader().GetRevision()+by)
	for _, r := range resp.GetResponses() {
		fmt.Fprintf(&b, "; deleted %d", r.GetResponseDeleteRange().GetDeleted())
		for _, kv := range r.GetResponseRange().GetKvs() {
			fmt.Fprintf(&b, " %s=%s@%d/%x", kv.GetKey(), kv.GetValue(), kv.GetModRevision()+by, kv.GetLease())
		}
	}
	return b.String()
}
