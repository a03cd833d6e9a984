package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
)

// guard is a Txn that may be sent more than once: any of its effects makes its
// conditions false, so that at most one copy takes effect, however late.
type guard struct {
	ifs  []clientv3.Cmp
	then []clientv3.Op
	// look are the keys that are read when the conditions do not hold.
	look []string
}

// outcome is what etcd said about a guard.
type outcome struct {
	// done: it took effect, at revision rev.
	done bool
	rev  int64
	// unsure, without done: an earlier copy got no answer. It may be what
	// changed the state, and found shows whether.
	unsure bool
	// found are the keys that guard.look names, nil where there is none.
	found []*mvccpb.KeyValue
}

// tryTimeout bounds one copy of a Txn, so that a server that went away without
// a word costs that much and not the caller's patience.
const tryTimeout = time.Second

// retryTxn is the pause before a Txn whose answer was lost is sent again.
const retryTxn = 20 * time.Millisecond

// commit sends g until its outcome is known. Errors: ErrUnavailable when ctx
// ends before, ErrLeaseLost when the lease does.
func (m *Member) commit(ctx context.Context, what string, g guard) (outcome, error) {
	els := make([]clientv3.Op, len(g.look))
	for i, key := range g.look {
		els[i] = clientv3.OpGet(key)
	}
	for unsure := false; ; unsure = true {
		resp, err := m.try(ctx, g.ifs, g.then, els)
		if err == nil {
			out := outcome{done: resp.Succeeded, rev: resp.Header.Revision, unsure: unsure}
			if !out.done {
				out.found = found(resp)
			}
			return out, nil
		}
		if err := m.giveUp(ctx, what, err); err != nil {
			return outcome{}, err
		}
	}
}

// read returns the keys as they all stood at one moment, nil where there is
// none. Errors: as of commit.
func (m *Member) read(ctx context.Context, what string, look ...string) ([]*mvccpb.KeyValue, error) {
	gets := make([]clientv3.Op, len(look))
	for i, key := range look {
		gets[i] = clientv3.OpGet(key)
	}
	for {
		resp, err := m.try(ctx, nil, gets, nil)
		if err == nil {
			return found(resp), nil
		}
		if err := m.giveUp(ctx, what, err); err != nil {
			return nil, err
		}
	}
}

func (m *Member) try(ctx context.Context, ifs []clientv3.Cmp, then, els []clientv3.Op) (*clientv3.TxnResponse, error) {
	ctx, cancel := m.time.timeout(ctx, tryTimeout)
	defer cancel()
	return m.view.client.Txn(ctx).If(ifs...).Then(then...).Else(els...).Commit()
}

func found(resp *clientv3.TxnResponse) []*mvccpb.KeyValue {
	out := make([]*mvccpb.KeyValue, len(resp.Responses))
	for i, r := range resp.Responses {
		if kvs := r.GetResponseRange().GetKvs(); len(kvs) > 0 {
			out[i] = kvs[0]
		}
	}
	return out
}

// giveUp returns nil, after a pause, when a call that ended with err should be
// made again, and otherwise the error to end with.
func (m *Member) giveUp(ctx context.Context, what string, err error) error {
	if errors.Is(err, rpctypes.ErrLeaseNotFound) {
		// The member may not know yet, or may have revoked it itself.
		return fmt.Errorf("%s: %w: %w", what, cmp.Or(m.Err(), ErrLeaseLost), err)
	}
	if refused(err) {
		return fmt.Errorf("%s: %w", what, err)
	}
	if m.time.pause(ctx, retryTxn, m.done) {
		return nil
	}
	if over := m.Err(); over != nil {
		return fmt.Errorf("%s: %w: %w", what, over, err)
	}
	return unavailable(what, err)
}

// refused says whether err is etcd's final word on a request, which will be the
// same next time. Everything else may be the loss of an answer.
func refused(err error) bool {
	var e rpctypes.EtcdError
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() {
	case codes.InvalidArgument, codes.PermissionDenied, codes.Unauthenticated, codes.Unimplemented:
		return true
	}
	return false
}
