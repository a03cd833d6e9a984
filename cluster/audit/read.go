package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// DefaultLimit is how many records are returned when no limit is given.
const DefaultLimit = 100

// ErrNoRecord: the trail does not reach back as far, or nothing was recorded.
var ErrNoRecord = errors.New("no record")

// Owners returns the last records of a shard's owners, newest first, at most
// limit of them; 0 is DefaultLimit.
func (t *Trail) Owners(ctx context.Context, s cluster.ShardID, limit int) ([]*clusterv1.OwnerRecord, error) {
	out, err := newest(ctx, t, t.owner(s), limit, func() *clusterv1.OwnerRecord { return new(clusterv1.OwnerRecord) })
	if err != nil {
		return nil, fmt.Errorf("read the owners of shard %s: %w", s, err)
	}
	return out, nil
}

// At returns the record that says who owned a shard at a time: the last one of
// that time or before. Errors: ErrNoRecord.
func (t *Trail) At(ctx context.Context, s cluster.ShardID, at time.Time) (*clusterv1.OwnerRecord, error) {
	var found *clusterv1.OwnerRecord
	err := t.scan(ctx, t.owner(s), 1, func(body []byte) error {
		rec := new(clusterv1.OwnerRecord)
		if err := unmarshal(body, rec); err != nil {
			return err
		}
		// In the order of the trail, and not of the clocks, which are of
		// different machines.
		if !rec.GetAt().AsTime().After(at) {
			found = rec
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the owner of shard %s: %w", s, err)
	case found == nil:
		return nil, fmt.Errorf("read the owner of shard %s: %w", s, ErrNoRecord)
	}
	return found, nil
}

// Moves returns the receipts of the last moves, newest first, at most limit of
// them; 0 is DefaultLimit.
func (t *Trail) Moves(ctx context.Context, limit int) ([]*clusterv1.MoveReceipt, error) {
	out, err := newest(ctx, t, t.moves("*"), limit, func() *clusterv1.MoveReceipt { return new(clusterv1.MoveReceipt) })
	if err != nil {
		return nil, fmt.Errorf("read moves: %w", err)
	}
	return out, nil
}

// Plans returns the last records of rebalances, newest first, at most limit of
// them; 0 is DefaultLimit.
func (t *Trail) Plans(ctx context.Context, limit int) ([]*clusterv1.PlanRecord, error) {
	out, err := newest(ctx, t, t.plan(), limit, func() *clusterv1.PlanRecord { return new(clusterv1.PlanRecord) })
	if err != nil {
		return nil, fmt.Errorf("read plans: %w", err)
	}
	return out, nil
}

// newest returns the last messages of a subject, newest first. The end of the
// stream is searched first, and ever more of it.
func newest[M proto.Message](ctx context.Context, t *Trail, subject string, limit int, empty func() M) ([]M, error) {
	if limit <= 0 {
		limit = DefaultLimit
	}
	info, err := t.stream.Info(ctx)
	if err != nil {
		return nil, err
	}
	first, last := max(1, info.State.FirstSeq), info.State.LastSeq
	for window := uint64(limit) * 8; ; window *= 8 {
		from := first
		if last > first+window {
			from = last - window
		}
		var out []M
		err := t.scan(ctx, subject, from, func(body []byte) error {
			m := empty()
			if err := unmarshal(body, m); err != nil {
				return err
			}
			if out = append(out, m); len(out) > 2*limit {
				out = slices.Delete(out, 0, len(out)-limit)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(out) >= limit || from == first {
			slices.Reverse(out)
			return out[:min(limit, len(out))], nil
		}
	}
}

// scan calls fn with the messages of a subject, from a sequence on. It asks the
// stream's leader for one after the other: a consumer would be faster, and may
// be behind.
func (t *Trail) scan(ctx context.Context, subject string, from uint64, fn func(body []byte) error) error {
	for {
		m, err := t.stream.GetMsg(ctx, from, jetstream.WithGetMsgSubject(subject))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := fn(m.Data); err != nil {
			return err
		}
		from = m.Sequence + 1
	}
}
