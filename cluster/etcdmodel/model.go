package etcdmodel

import (
	"context"
	"fmt"
	"slices"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
)

// Model is one etcd cluster, as its clients see it.
type Model struct {
	pb.KVClient // nil: what is not below panics

	// Changed, if set, is called with all that one change has written, after it.
	Changed func([]Event)

	rev    int64
	keys   []string // sorted
	kvs    map[string]*mvccpb.KeyValue
	leases map[int64]*lease

	history   []Event
	compacted int64 // history begins behind this revision
}

// Event is one key that was put or deleted.
type Event struct {
	Key     string
	Value   []byte
	Rev     int64
	Lease   int64
	Deleted bool
}

// New returns an empty one.
func New() *Model {
	return &Model{rev: 1, kvs: make(map[string]*mvccpb.KeyValue), leases: make(map[int64]*lease)}
}

// Revision is the last one.
func (m *Model) Revision() int64 { return m.rev }

// Get returns the value of a key, and whether there is one.
func (m *Model) Get(key string) ([]byte, bool) {
	kv, ok := m.kvs[key]
	return kv.GetValue(), ok
}

// Write puts a key without a lease, as somebody would who has no trouble to
// reach etcd.
func (m *Model) Write(key string, value []byte) {
	m.commit(Event{Key: key, Value: value, Rev: m.rev + 1})
}

// commit makes one change of what events say.
func (m *Model) commit(events ...Event) {
	for _, e := range events {
		m.set(e)
	}
	m.tell(events)
}

// set writes one key.
func (m *Model) set(e Event) {
	m.rev = e.Rev
	at, found := slices.BinarySearch(m.keys, e.Key)
	switch {
	case e.Deleted:
		m.keys = slices.Delete(m.keys, at, at+1)
		delete(m.kvs, e.Key)
		return
	case !found:
		m.keys = slices.Insert(m.keys, at, e.Key)
	}
	m.kvs[e.Key] = &mvccpb.KeyValue{Key: []byte(e.Key), Value: e.Value, Lease: e.Lease, ModRevision: e.Rev}
}

// tell makes a change known.
func (m *Model) tell(events []Event) {
	if len(events) == 0 {
		return
	}
	m.history = append(m.history, events...)
	if m.Changed != nil {
		m.Changed(events)
	}
}

// Range implements etcd's KVClient, for single keys and ranges as of now.
func (m *Model) Range(_ context.Context, in *pb.RangeRequest, _ ...grpc.CallOption) (*pb.RangeResponse, error) {
	return m.get(in), nil
}

func (m *Model) get(in *pb.RangeRequest) *pb.RangeResponse {
	resp := &pb.RangeResponse{Header: m.header()}
	if len(in.GetRangeEnd()) == 0 {
		if kv := m.kvs[string(in.GetKey())]; kv != nil {
			resp.Kvs = []*mvccpb.KeyValue{kv}
		}
	} else {
		from, _ := slices.BinarySearch(m.keys, string(in.GetKey()))
		to, _ := slices.BinarySearch(m.keys, string(in.GetRangeEnd()))
		for _, key := range m.keys[from:max(from, to)] {
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
		if id := op.GetRequestPut().GetLease(); id != 0 && m.leases[id] == nil {
			return nil, rpctypes.ErrGRPCLeaseNotFound
		}
	}
	// Reads see what was written before them in the same Txn, so each write is
	// made at once; watchers and the history get them together.
	w := txnWrite{model: m, rev: m.rev + 1}
	for _, op := range ops {
		resp.Responses = append(resp.Responses, w.apply(op))
	}
	m.tell(w.events)
	resp.Header = m.header()
	return resp, nil
}

func (m *Model) holds(c *pb.Compare) bool {
	if c.GetResult() != pb.Compare_EQUAL || len(c.GetRangeEnd()) > 0 {
		panic(fmt.Sprintf("etcdmodel: the model does not know how to compare %v", c))
	}
	kv := m.kvs[string(c.GetKey())]
	switch c.GetTarget() {
	case pb.Compare_MOD:
		return kv.GetModRevision() == c.GetModRevision()
	case pb.Compare_LEASE:
		return kv.GetLease() == c.GetLease()
	}
	panic(fmt.Sprintf("etcdmodel: the model does not know how to compare %v", c))
}

// txnWrite is what one Txn writes, all at one revision.
type txnWrite struct {
	model  *Model
	rev    int64
	events []Event
}

func (w *txnWrite) apply(op *pb.RequestOp) *pb.ResponseOp {
	m := w.model
	switch {
	case op.GetRequestRange() != nil:
		return &pb.ResponseOp{Response: &pb.ResponseOp_ResponseRange{ResponseRange: m.get(op.GetRequestRange())}}
	case op.GetRequestPut() != nil:
		put := op.GetRequestPut()
		w.write(Event{Key: string(put.GetKey()), Value: put.GetValue(), Lease: put.GetLease(), Rev: w.rev})
		return &pb.ResponseOp{Response: &pb.ResponseOp_ResponsePut{ResponsePut: &pb.PutResponse{Header: m.header()}}}
	case op.GetRequestDeleteRange() != nil:
		key := string(op.GetRequestDeleteRange().GetKey())
		resp := &pb.DeleteRangeResponse{Header: m.header()}
		if m.kvs[key] != nil {
			resp.Deleted = 1
			w.write(Event{Key: key, Deleted: true, Rev: w.rev})
		}
		return &pb.ResponseOp{Response: &pb.ResponseOp_ResponseDeleteRange{ResponseDeleteRange: resp}}
	}
	panic(fmt.Sprintf("etcdmodel: the model does not know the operation %v", op))
}

func (w *txnWrite) write(e Event) {
	w.model.set(e)
	w.events = append(w.events, e)
}

func (m *Model) header() *pb.ResponseHeader { return &pb.ResponseHeader{Revision: m.rev} }
