package etcdmodel

import (
	"context"
	"slices"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ErrNoAnswer is what a Carrier returns when no answer has come: whether the
// call was served is not known.
var ErrNoAnswer = status.Error(codes.Unavailable, "etcdmodel: no answer")

// Carrier is the network between a client and the model. It calls Serve of the
// call when that arrives, never, once or more often, and returns an Answer of
// Serve's, or ErrNoAnswer.
type Carrier interface {
	Carry(context.Context, *Call) (Answer, error)
}

// Call is one call of a client.
type Call struct {
	model *Model
	txn   *pb.TxnRequest
	get   *pb.RangeRequest
}

// Answer is what the model says to a Call.
type Answer struct {
	txn *pb.TxnResponse
	get *pb.RangeResponse
	err error
}

// Client returns a client whose calls of etcd's KV go by way of a Carrier.
func (m *Model) Client(by Carrier) *clientv3.Client {
	c := new(clientv3.Client)
	c.KV = clientv3.NewKVFromKVClient(&kv{model: m, by: by}, c)
	return c
}

type kv struct {
	pb.KVClient // nil: what is not below panics
	model       *Model
	by          Carrier
}

// Range implements etcd's KVClient.
func (k *kv) Range(ctx context.Context, in *pb.RangeRequest, _ ...grpc.CallOption) (*pb.RangeResponse, error) {
	a, err := k.by.Carry(ctx, &Call{model: k.model, get: in})
	if err != nil {
		return nil, err
	}
	return a.get, a.err
}

// Txn implements etcd's KVClient.
func (k *kv) Txn(ctx context.Context, in *pb.TxnRequest, _ ...grpc.CallOption) (*pb.TxnResponse, error) {
	a, err := k.by.Carry(ctx, &Call{model: k.model, txn: in})
	if err != nil {
		return nil, err
	}
	return a.txn, a.err
}

// Serve does what the call asks for, now.
func (c *Call) Serve() (a Answer) {
	if c.get != nil {
		a.get = c.model.get(c.get)
		return a
	}
	a.txn, a.err = c.model.Txn(context.Background(), c.txn)
	return a
}

// Puts returns the keys that the call writes if its conditions hold.
func (c *Call) Puts() (keys []string) {
	for _, op := range c.txn.GetSuccess() {
		if put := op.GetRequestPut(); put != nil {
			keys = append(keys, string(put.GetKey()))
		}
	}
	return keys
}

// Ignore plants a bug: conditions on keys that ignored approves of are taken for
// true.
func (c *Call) Ignore(ignored func(key string) bool) {
	c.change(func(in *pb.TxnRequest) {
		in.Compare = slices.DeleteFunc(slices.Clone(in.GetCompare()), func(c *pb.Compare) bool { return ignored(string(c.GetKey())) })
	})
}

// Rewrite plants a bug: change returns what is written to a key instead of value.
func (c *Call) Rewrite(change func(key string, value []byte) []byte) {
	c.change(func(in *pb.TxnRequest) {
		in.Success = slices.Clone(in.GetSuccess())
		for i, op := range in.GetSuccess() {
			if put := op.GetRequestPut(); put != nil {
				in.Success[i] = &pb.RequestOp{Request: &pb.RequestOp_RequestPut{RequestPut: &pb.PutRequest{
					Key: put.GetKey(), Lease: put.GetLease(), Value: change(string(put.GetKey()), put.GetValue()),
				}}}
			}
		}
	})
}

// change edits a copy of the transaction: the client keeps its own, to send it
// again.
func (c *Call) change(edit func(*pb.TxnRequest)) {
	if c.txn == nil {
		return
	}
	in := &pb.TxnRequest{Compare: c.txn.GetCompare(), Success: c.txn.GetSuccess(), Failure: c.txn.GetFailure()}
	edit(in)
	c.txn = in
}
