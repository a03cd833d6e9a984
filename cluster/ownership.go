package cluster

import (
	"context"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Serve records that from now on the shard's events are in entries of log, from
// entry from on, and that its open segment ends with entry closeAt: the seal's,
// or 0 when no segment is open. Commands may be served once it returned nil.
// The caller keeps purges out, LowestFrom included, from before it chose from
// until Serve returned; if the outcome is unknown then, LowestFrom counts from
// as named. Errors: ErrNotOwner, ErrLeaseLost, ErrUnavailable.
func (m *Member) Serve(ctx context.Context, h *Holding, closeAt LogSeq, log LogName, from LogSeq) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	what := "serve shard " + h.Shard.String()
	if h.serving {
		return fmt.Errorf("%s: it is served already", what)
	}
	// From the record as it was acquired, so that this replaces what an earlier
	// try may have added: nothing was served under that.
	next, err := served(h.Record, closeAt, log, from)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	m.pending.add(h, log, from)
	err = m.rewrite(ctx, what, h, rewrite{
		edit: func(*clusterv1.Shard) (*clusterv1.Shard, error) { return next, nil },
		did:  h.wrote,
	})
	h.serving = err == nil
	if known(err) {
		m.pending.settle(h)
	}
	return err
}

// PutCheckpoint makes cp the shard's current checkpoint and the current one its
// previous, and forgets the previous one and the segments that only it needed.
// It returns the objects that the record no longer names. After an error others
// may have become so unseen; a comparison with AllShards finds them.
// Errors: ErrNotOwner, ErrLeaseLost, ErrUnavailable.
func (m *Member) PutCheckpoint(ctx context.Context, h *Holding, cp *clusterv1.Checkpoint) ([]string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	what := "put checkpoint of shard " + h.Shard.String()
	if !h.serving {
		return nil, fmt.Errorf("%s: it is not served", what)
	}
	var old *clusterv1.Shard
	err := m.rewrite(ctx, what, h, rewrite{
		edit: func(rec *clusterv1.Shard) (*clusterv1.Shard, error) {
			old = rec
			return checkpointed(rec, cp)
		},
		did: h.wrote,
	})
	if err != nil {
		return nil, err
	}
	return dropped(old, h.record), nil
}

// Release gives a shard up: nobody owns it, and its segment ends with entry to.
// Every event of the shard must be durable, and at or before that entry. A
// shard that was acquired and never served is left as it was found; to is
// ignored then. Errors: ErrNotOwner, ErrLeaseLost, ErrUnavailable.
func (m *Member) Release(ctx context.Context, h *Holding, to LogSeq) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	err := m.rewrite(ctx, "release shard "+h.Shard.String(), h, rewrite{
		edit: func(rec *clusterv1.Shard) (*clusterv1.Shard, error) { return released(rec, to), nil },
		more: []clientv3.Op{clientv3.OpDelete(m.view.keys.owner(h.Shard))},
		did: func(now *ownership, next *clusterv1.Shard) bool {
			if now.owner == nil {
				return proto.Equal(now.record, next)
			}
			// The next owner may have been quick. A seal's entry, with which
			// it would have closed the segment otherwise, is behind to.
			return now.ownerRev != h.ownerRev && releasedAt(now.record, h.Epoch, to)
		},
	})
	if known(err) {
		h.serving = false
		m.pending.settle(h)
	}
	return err
}

// rewrite is a change of /shards/s under the guard that /owners/s is this
// member's at the holding's epoch.
type rewrite struct {
	// edit returns the record that should follow rec. It changes nothing.
	edit func(rec *clusterv1.Shard) (*clusterv1.Shard, error)
	// more goes into the same Txn.
	more []clientv3.Op
	// did says, after a refusal, whether the state is what this rewrite makes
	// of it, so that an earlier copy must have landed.
	did func(now *ownership, next *clusterv1.Shard) bool
}

// rewrite carries out w. Called with h.mu held.
func (m *Member) rewrite(ctx context.Context, what string, h *Holding, w rewrite) error {
	for {
		next, err := w.edit(h.record)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		out, err := m.commit(ctx, what, h.guard(m.view.keys, next, w.more...))
		if err != nil {
			return err
		}
		if out.done {
			h.record, h.shardRev = next, out.rev
			return nil
		}
		now, err := readOwnership(h.Shard, out.found)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		landed := w.did(now, next)
		if !landed && now.ownerRev != h.ownerRev {
			return fmt.Errorf("%s: %w", what, &NotOwnerError{Shard: h.Shard, Owner: now.route()})
		}
		// While the shard is this holding's, only this holding writes its
		// record: an earlier transaction landed after its caller gave up.
		h.record, h.shardRev = now.record, now.shardRev
		if landed {
			return nil
		}
	}
}

// wrote says whether the record is what this holding wanted it to be.
func (h *Holding) wrote(now *ownership, next *clusterv1.Shard) bool {
	return now.ownerRev == h.ownerRev && proto.Equal(now.record, next)
}

// known says whether a transaction that returned err cannot take effect later.
func known(err error) bool { return err == nil || errors.Is(err, ErrNotOwner) }
