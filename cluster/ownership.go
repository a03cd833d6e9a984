package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Acquire makes this member the owner of a shard that nobody owns, at the next
// epoch. A shard that is this member's already, because the answer to an
// earlier Acquire was lost or its holding was forgotten, is acquired anew: that
// ends the earlier holding, and the caller must have stopped serving it.
// Errors: ErrOwned, ErrLeaseLost, ErrUnavailable, ErrRolledBack.
func (m *Member) Acquire(ctx context.Context, s ShardID) (*Holding, error) {
	if int(s) >= m.view.shards {
		return nil, fmt.Errorf("acquire shard %s: there are %d", s, m.view.shards)
	}
	if err := m.Err(); err != nil {
		return nil, fmt.Errorf("acquire shard %s: %w", s, err)
	}
	m.acquiring[s].Lock()
	defer m.acquiring[s].Unlock()

	what := "acquire shard " + s.String()
	ownerKey, shardKey := m.view.keys.owner(s), m.view.keys.shard(s)
	kvs, err := m.read(ctx, what, ownerKey, shardKey)
	for {
		if err != nil {
			return nil, err
		}
		was, err := readOwnership(s, kvs)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		if was.owner != nil && was.owner.GetIncarnation() != string(m.inc) {
			m.pending.settleShard(s)
			return nil, &OwnedError{Shard: s, Owner: was.route()}
		}
		next := proto.CloneOf(was.record)
		next.Epoch++
		owner := &clusterv1.Owner{
			Node:        string(m.cfg.Name),
			Incarnation: string(m.inc),
			Address:     string(m.cfg.Address),
			Epoch:       next.GetEpoch(),
		}
		out, err := m.commit(ctx, what, guard{
			ifs: []clientv3.Cmp{
				// Revision 0: the key is absent.
				clientv3.Compare(clientv3.ModRevision(ownerKey), "=", was.ownerRev),
				clientv3.Compare(clientv3.ModRevision(shardKey), "=", was.shardRev),
			},
			then: []clientv3.Op{
				clientv3.OpPut(ownerKey, encode(owner), clientv3.WithLease(m.id)),
				clientv3.OpPut(shardKey, encode(next)),
			},
			look: []string{ownerKey, shardKey},
		})
		if err != nil {
			return nil, err
		}
		if out.done {
			m.pending.settleShard(s)
			return newHolding(s, next, out.rev), nil
		}
		kvs = out.found
		if !out.unsure {
			continue // Somebody was faster. See who.
		}
		now, err := readOwnership(s, kvs)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		// Only this call can have put this incarnation there at this epoch.
		if now.owner.GetIncarnation() == string(m.inc) && now.owner.GetEpoch() == next.GetEpoch() {
			m.pending.settleShard(s)
			return newHolding(s, now.record, now.ownerRev), nil
		}
	}
}

func newHolding(s ShardID, rec *clusterv1.Shard, rev int64) *Holding {
	return &Holding{Shard: s, Epoch: Epoch(rec.GetEpoch()), Record: rec, record: rec, ownerRev: rev, shardRev: rev}
}

// readOwnership decodes /owners/s and /shards/s. Both are written by one Txn at
// every change of ownership: if they disagree, etcd was tampered with or put
// together from different copies.
func readOwnership(s ShardID, kvs []*mvccpb.KeyValue) (*ownership, error) {
	o := &ownership{record: new(clusterv1.Shard)}
	if kv := kvs[0]; kv != nil {
		o.owner, o.ownerRev = new(clusterv1.Owner), kv.ModRevision
		if err := decode(kv.Value, o.owner); err != nil {
			return nil, fmt.Errorf("read owner of shard %s: %w", s, err)
		}
	}
	if kv := kvs[1]; kv != nil {
		o.shardRev = kv.ModRevision
		if err := decode(kv.Value, o.record); err != nil {
			return nil, fmt.Errorf("read shard %s: %w", s, err)
		}
	}
	if o.owner != nil && o.owner.GetEpoch() != o.record.GetEpoch() {
		return nil, fmt.Errorf("%w: shard %s is owned at epoch %d and its record is at %d", ErrRolledBack, s, o.owner.GetEpoch(), o.record.GetEpoch())
	}
	return o, nil
}

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

// LowestFrom returns the smallest entry of a log that must be kept: over the
// records of all shards, their segments and both their checkpoints, and the
// segments that this member is about to add. named is false when nothing names
// the log. It must not be purged above that entry, nor to empty.
// Errors: ErrUnavailable.
func (m *Member) LowestFrom(ctx context.Context, log LogName) (low LogSeq, named bool, err error) {
	// Before the records are read, or a segment could go from here to there
	// in between and be in neither.
	low, named = m.pending.lowest(log)
	all, err := m.view.AllShards(ctx)
	if err != nil {
		return 0, false, err
	}
	for _, rec := range all {
		if l, ok := lowestFrom(rec, log); ok && (!named || l < low) {
			low, named = l, true
		}
	}
	return low, named, nil
}

// Owned returns the shards that etcd has as this incarnation's, ascending.
// Errors: ErrUnavailable.
func (m *Member) Owned(ctx context.Context) ([]ShardID, error) {
	resp, err := m.view.client.Get(ctx, m.view.keys.owners(), clientv3.WithPrefix())
	if err != nil {
		return nil, unavailable("read owners", err)
	}
	var out []ShardID
	for _, kv := range resp.Kvs {
		_, name := m.view.keys.split(string(kv.Key))
		var o clusterv1.Owner
		s, ok := parseShard(name, m.view.shards)
		if !ok {
			return nil, fmt.Errorf("read owners: key %q names no shard", kv.Key)
		}
		if err := decode(kv.Value, &o); err != nil {
			return nil, fmt.Errorf("read owner of shard %s: %w", s, err)
		}
		if o.GetIncarnation() == string(m.inc) {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out, nil
}
