package clustertest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"go.etcd.io/etcd/api/v3/mvccpb"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
)

// Model is the part of etcd that ownership rests on, in memory: keys with
// mod-revisions, transactions, and leases that end when the test says so. It is
// for simulations that need thousands of runs, and is not for concurrent use. A
// test compares it with etcd.
type Model struct {
	pb.KVClient // nil: what is not below panics

	rev    int64
	kvs    map[string]*mvccpb.KeyValue
	leases map[int64]bool
}

// NewModel returns an empty one.
func NewModel() *Model {
	return &Model{rev: 1, kvs: make(map[string]*mvccpb.KeyValue), leases: make(map[int64]bool)}
}

// Grant starts a lease.
func (m *Model) Grant(id int64) { m.leases[id] = true }

// Revoke ends a lease, and deletes its keys, as one change.
func (m *Model) Revoke(id int64) {
	delete(m.leases, id)
	had := len(m.kvs)
	maps.DeleteFunc(m.kvs, func(_ string, kv *mvccpb.KeyValue) bool { return kv.GetLease() == id })
	if len(m.kvs) < had {
		m.rev++
	}
}

// Range implements etcd's KVClient, for single keys and ranges as of now.
func (m *Model) Range(_ context.Context, in *pb.RangeRequest, _ ...grpc.CallOption) (*pb.RangeResponse, error) {
	return m.get(in), nil
}

func (m *Model) get(in *pb.RangeRequest) *pb.RangeResponse {
	resp := &pb.RangeResponse{Header: m.header()}
	for _, key := range slices.Sorted(maps.Keys(m.kvs)) {
		if key == string(in.GetKey()) || len(in.GetRangeEnd()) > 0 && key >= string(in.GetKey()) && key < string(in.GetRangeEnd()) {
			resp.Kvs = append(resp.Kvs, m.kvs[key])
		}
	}
	resp.Count = int64(len(resp.Kvs))
	return resp
}

// Txn implements etcd's KVClient, for equality of mod-revisions and leases, and
// for operations on single keys.
func (m *Model) Txn(_ context.Context, in *pb.TxnRequest, _ ...grpc.CallOption) (*pb.TxnResponse, error) {
	resp := &pb.TxnResponse{Succeeded: true}
	for _, c := range in.GetCompare() {
		resp.Succeeded = resp.Succeeded && m.holds(c)
	}
	ops := in.GetSuccess()
	if !resp.Succeeded {
		ops = in.GetFailure()
	}
	for _, op := range ops {
		if id := op.GetRequestPut().GetLease(); id != 0 && !m.leases[id] {
			return nil, rpctypes.ErrGRPCLeaseNotFound
		}
	}
	rev := m.rev + 1 // of everything that this Txn writes
	for _, op := range ops {
		resp.Responses = append(resp.Responses, m.apply(op, rev))
	}
	resp.Header = m.header()
	return resp, nil
}

func (m *Model) holds(c *pb.Compare) bool {
	if c.GetResult() != pb.Compare_EQUAL || len(c.GetRangeEnd()) > 0 {
		panic(fmt.Sprintf("clustertest: the model does not know how to compare %v", c))
	}
	kv := m.kvs[string(c.GetKey())]
	switch c.GetTarget() {
	case pb.Compare_MOD:
		return kv.GetModRevision() == c.GetModRevision()
	case pb.Compare_LEASE:
		return kv.GetLease() == c.GetLease()
	}
	panic(fmt.Sprintf("clustertest: the model does not know how to compare %v", c))
}

func (m *Model) apply(op *pb.RequestOp, rev int64) *pb.ResponseOp {
	switch {
	case op.GetRequestRange() != nil:
		return &pb.ResponseOp{Response: &pb.ResponseOp_ResponseRange{ResponseRange: m.get(op.GetRequestRange())}}
	case op.GetRequestPut() != nil:
		put := op.GetRequestPut()
		m.rev = rev
		m.kvs[string(put.GetKey())] = &mvccpb.KeyValue{Key: put.GetKey(), Value: put.GetValue(), Lease: put.GetLease(), ModRevision: rev}
		return &pb.ResponseOp{Response: &pb.ResponseOp_ResponsePut{ResponsePut: &pb.PutResponse{Header: m.header()}}}
	case op.GetRequestDeleteRange() != nil:
		key := string(op.GetRequestDeleteRange().GetKey())
		resp := &pb.DeleteRangeResponse{Header: m.header()}
		if m.kvs[key] != nil {
			m.rev, resp.Deleted = rev, 1
			delete(m.kvs, key)
		}
		return &pb.ResponseOp{Response: &pb.ResponseOp_ResponseDeleteRange{ResponseDeleteRange: resp}}
	}
	panic(fmt.Sprintf("clustertest: the model does not know the operation %v", op))
}

func (m *Model) header() *pb.ResponseHeader { return &pb.ResponseHeader{Revision: m.rev} }
