package clustertest

import (
	"context"
	"slices"
	"sync"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Fate is what becomes of one transaction.
type Fate int

// For the caller, all but Deliver look the same: an error that leaves open
// whether the transaction took effect.
const (
	Deliver Fate = iota
	// LoseRequest: it never takes effect.
	LoseRequest
	// LoseAnswer: it has taken effect when the caller sees the error.
	LoseAnswer
	// Delay: it takes effect, if its guard still holds then, when the test
	// calls Faults.Flush.
	Delay
)

// Faults stands between a client and etcd, and decides the fate of
// transactions. Everything else passes.
type Faults struct {
	pb.KVClient

	mu      sync.Mutex
	fate    func(*pb.TxnRequest) Fate
	ignored func(key string) bool
	delayed []*pb.TxnRequest
}

// Inject puts Faults into a client. Until told otherwise they do nothing.
func Inject(c *clientv3.Client) *Faults { return Over(c, clientv3.RetryKVClient(c)) }

// Over makes c speak to kv, through Faults.
func Over(c *clientv3.Client, kv pb.KVClient) *Faults {
	f := &Faults{KVClient: kv}
	c.KV = clientv3.NewKVFromKVClient(f, c)
	return f
}

// Decide makes fate decide about every transaction that writes, until the next
// call; nil delivers all. It is called before the transaction takes effect, and
// may itself do things that come in between.
func (f *Faults) Decide(fate func(*pb.TxnRequest) Fate) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fate = fate
}

// Next decides about as many of the next transactions that write, in order, and
// lets those after them pass.
func (f *Faults) Next(fates ...Fate) {
	fates = slices.Clone(fates)
	f.Decide(func(*pb.TxnRequest) Fate {
		if len(fates) == 0 {
			return Deliver
		}
		now := fates[0]
		fates = fates[1:]
		return now
	})
}

// Ignore plants a bug: the conditions of transactions on keys that ignored
// approves of are taken for true. nil repairs it.
func (f *Faults) Ignore(ignored func(key string) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ignored = ignored
}

// Flush delivers what was delayed, and says how many of them took effect.
func (f *Faults) Flush(ctx context.Context) (landed int, err error) {
	f.mu.Lock()
	delayed := f.delayed
	f.delayed = nil
	f.mu.Unlock()
	for _, in := range delayed {
		resp, err := f.KVClient.Txn(ctx, in)
		if err != nil {
			return landed, err
		}
		if resp.GetSucceeded() {
			landed++
		}
	}
	return landed, nil
}

// Txn implements etcd's KVClient.
func (f *Faults) Txn(ctx context.Context, in *pb.TxnRequest, opts ...grpc.CallOption) (*pb.TxnResponse, error) {
	f.mu.Lock()
	fate, ignored := f.fate, f.ignored
	f.mu.Unlock()
	if ignored != nil {
		in = &pb.TxnRequest{Compare: slices.DeleteFunc(slices.Clone(in.GetCompare()), func(c *pb.Compare) bool {
			return ignored(string(c.GetKey()))
		}), Success: in.GetSuccess(), Failure: in.GetFailure()}
	}
	if fate == nil || !writes(in) {
		return f.KVClient.Txn(ctx, in, opts...)
	}
	lost := status.Error(codes.Unavailable, "clustertest: no answer")
	switch fate(in) {
	case LoseRequest:
		return nil, lost
	case LoseAnswer:
		// Even if the caller has given up by now.
		if _, err := f.KVClient.Txn(context.WithoutCancel(ctx), in, opts...); err != nil {
			return nil, err
		}
		return nil, lost
	case Delay:
		f.mu.Lock()
		f.delayed = append(f.delayed, in)
		f.mu.Unlock()
		return nil, lost
	}
	return f.KVClient.Txn(ctx, in, opts...)
}

func writes(in *pb.TxnRequest) bool {
	return slices.ContainsFunc(in.GetSuccess(), func(op *pb.RequestOp) bool { return op.GetRequestRange() == nil })
}
