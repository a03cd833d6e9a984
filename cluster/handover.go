package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Successor is the target of a planned move: what the shard's key is to stand
// on, and where the shard's records will stand.
type Successor struct {
	Node        NodeName
	Incarnation Incarnation
	Address     Address
	Lease       LeaseID
	// From is the first entry of Log that may hold the shard's records. The
	// target keeps it until the outcome is known.
	Log  LogName
	From LogSeq
}

// HandOver makes another member the owner of a served shard, at the next epoch
// and in one transaction: there is no moment at which nobody owns it. The
// caller has stopped serving it, and everything of it is durable at or before
// entry to. The holding has ended when it returns nil.
//
// Errors: ErrSuccessorGone, after which the holding stands as it did;
// ErrNotOwner; ErrLeaseLost; ErrUnavailable, after which it may have taken
// effect or do so later: only what Acquire finds, or makes, tells.
func (m *Member) HandOver(ctx context.Context, h *Holding, to LogSeq, next Successor) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	what := "hand over shard " + h.Shard.String()
	if !h.serving {
		return fmt.Errorf("%s: it is not served", what)
	}
	owner := &clusterv1.Owner{
		Node: string(next.Node), Incarnation: string(next.Incarnation), Address: string(next.Address),
		Epoch: uint64(h.Epoch) + 1, Since: m.now(), HandedBy: string(m.inc),
	}
	err := m.rewrite(ctx, what, h, rewrite{
		edit: func(rec *clusterv1.Shard) (*clusterv1.Shard, error) { return handedOver(rec, to, next) },
		more: []clientv3.Op{clientv3.OpPut(m.view.keys.owner(h.Shard), encode(owner), clientv3.WithLease(next.Lease))},
		did: func(now *ownership, _ *clusterv1.Shard) bool {
			return now.ownerRev != h.ownerRev && handed(now.record, h.Epoch+1, next)
		},
	})
	if errors.Is(err, rpctypes.ErrLeaseNotFound) && m.Err() == nil {
		// The lease that is missing is the successor's: this Txn puts nothing on
		// the own one. An earlier copy may have come before the lease ended.
		err = m.afterSuccessor(ctx, what, h, next)
	}
	if err == nil {
		h.serving = false
	}
	return err
}

// afterSuccessor finds out what a HandOver has led to whose successor is gone.
// Called with h.mu held.
func (m *Member) afterSuccessor(ctx context.Context, what string, h *Holding, next Successor) error {
	kvs, err := m.read(ctx, what, m.view.keys.owner(h.Shard), m.view.keys.shard(h.Shard))
	if err != nil {
		return err
	}
	now, err := readOwnership(h.Shard, kvs)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	switch {
	case now.ownerRev == h.ownerRev:
		// No copy can take effect any more: leases do not come back.
		h.record, h.shardRev = now.record, now.shardRev
		return fmt.Errorf("%s to %s: %w", what, next.Incarnation, ErrSuccessorGone)
	case handed(now.record, h.Epoch+1, next):
		return nil
	}
	return fmt.Errorf("%s: %w", what, &NotOwnerError{Shard: h.Shard, Owner: now.route()})
}

// handedOver returns rec with its open segment closed at entry to, and one of
// the successor's opened, at the next epoch.
func handedOver(rec *clusterv1.Shard, to LogSeq, next Successor) (*clusterv1.Shard, error) {
	seg, open := openSegment(rec)
	switch {
	case next.Log == "" || next.From == 0 || next.Incarnation == "" || next.Lease == 0:
		return nil, errors.New("a successor needs a lease, a log and its first entry")
	case !open || seg.GetEpoch() != rec.GetEpoch():
		return nil, errors.New("no segment of this ownership is open")
	}
	rec = released(rec, to)
	rec.Epoch++
	rec.Segments = append(rec.Segments, &clusterv1.Segment{Log: string(next.Log), From: uint64(next.From), Epoch: rec.GetEpoch()})
	return rec, nil
}

// handed says whether a record shows that next got the shard at that epoch. Had
// it claimed it then, because this owner was gone, it would be the owner all the
// same.
func handed(rec *clusterv1.Shard, epoch Epoch, next Successor) bool {
	return slices.ContainsFunc(rec.GetSegments(), func(s *clusterv1.Segment) bool {
		return s.GetEpoch() == uint64(epoch) && s.GetLog() == string(next.Log)
	})
}

// Expectation is a shard that this member has agreed to take over from its
// owner, should the owner hand it over.
type Expectation struct {
	Shard ShardID
	// Owner hands it over; Epoch is that of the ownership to come.
	Owner Incarnation
	Epoch Epoch

	// hold names the expectation among the pending segments, and becomes the
	// holding.
	hold *Holding
}

// Expect promises that a log is kept from entry from on until Adopt or Forgo:
// the owner may name it in the shard's record at any moment. The caller keeps
// purges out from before it chose from until Expect returned.
func (m *Member) Expect(s ShardID, owner Incarnation, epoch Epoch, log LogName, from LogSeq) *Expectation {
	e := &Expectation{Shard: s, Owner: owner, Epoch: epoch, hold: &Holding{Shard: s, Epoch: epoch}}
	m.pending.add(e.hold, log, from)
	return e
}

// Adopt finds out whether the shard was handed over. If it was, the holding
// serves it. Errors: ErrUndecided, as long as the owner is what it was;
// ErrNotOwner, when this can never come any more; ErrLeaseLost, ErrUnavailable.
//
// When the watch has shown it already, etcd is not asked again: players wait. It
// may have shown it long ago, which changes nothing: what stands on this member's
// lease ends with that, or by its own hand.
func (m *Member) Adopt(ctx context.Context, e *Expectation) (*Holding, error) {
	what := "adopt shard " + e.Shard.String()
	now, err := readOwnership(e.Shard, m.view.snap.Load().titles.of(e.Shard))
	if err != nil || !e.met(m.inc, now) || now.ownerRev != now.shardRev || m.Err() != nil {
		kvs, err := m.read(ctx, what, m.view.keys.owner(e.Shard), m.view.keys.shard(e.Shard))
		if err != nil {
			return nil, err
		}
		if now, err = readOwnership(e.Shard, kvs); err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
	}
	switch {
	case e.met(m.inc, now):
		h := e.hold
		h.mu.Lock()
		defer h.mu.Unlock()
		h.Record, h.record = now.record, now.record
		h.ownerRev, h.shardRev, h.serving = now.ownerRev, now.shardRev, true
		m.pending.settle(h)
		return h, nil
	case now.owner.GetIncarnation() == string(e.Owner) && Epoch(now.owner.GetEpoch())+1 == e.Epoch:
		return nil, fmt.Errorf("%s: %w", what, ErrUndecided)
	}
	return nil, fmt.Errorf("%s: %w", what, &NotOwnerError{Shard: e.Shard, Owner: now.route()})
}

// met says whether the shard was handed over as expected, to this incarnation.
func (e *Expectation) met(me Incarnation, now *ownership) bool {
	o := now.owner
	return o.GetIncarnation() == string(me) && Epoch(o.GetEpoch()) == e.Epoch && o.GetHandedBy() == string(e.Owner)
}

// Forgo ends an expectation: the owner has said that it will not hand over, or
// Adopt that it cannot any more.
func (m *Member) Forgo(e *Expectation) { m.pending.settle(e.hold) }

// Outlook returns the record of a shard, closed at entry through of its open
// segment, for a member that prepares to take it over from its owner at that
// epoch. Errors: ErrNotOwner, when owner is not, at that epoch; ErrUnavailable.
func (m *Member) Outlook(ctx context.Context, s ShardID, owner Incarnation, epoch Epoch, through LogSeq) (*clusterv1.Shard, error) {
	what := "look at shard " + s.String()
	kvs, err := m.read(ctx, what, m.view.keys.owner(s), m.view.keys.shard(s))
	if err != nil {
		return nil, err
	}
	now, err := readOwnership(s, kvs)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if now.owner.GetIncarnation() != string(owner) || Epoch(now.owner.GetEpoch()) != epoch {
		return nil, fmt.Errorf("%s: %w", what, &NotOwnerError{Shard: s, Owner: now.route()})
	}
	rec := proto.CloneOf(now.record)
	seg, open := openSegment(rec)
	if !open || seg.GetEpoch() != uint64(epoch) {
		return nil, fmt.Errorf("%s: %s does not serve it yet", what, owner)
	}
	closeSegment(seg, through)
	return rec, nil
}
