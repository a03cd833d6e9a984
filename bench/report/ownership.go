package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

const (
	// asking is how many shards' histories are asked for at once.
	asking = 8
	// maxRecords is how much of a shard's history, and how many receipts of moves
	// are asked for: what changed earlier in a run is missing.
	maxRecords = 500
)

// changes are those of owners since a run began, in order of time.
func (s *Sampler) changes(ctx context.Context, started time.Time) ([]Change, error) {
	now, err := s.rpc.Shards(ctx, connect.NewRequest(&adminv1.ShardsRequest{}))
	if err != nil {
		return nil, err
	}
	owner := make(map[uint32]*clusterv1.Owner, len(s.before))
	for _, row := range s.before {
		owner[row.GetShard()] = row.GetOwner()
	}
	var mu sync.Mutex
	var all []Change
	g, asked := errgroup.WithContext(ctx)
	g.SetLimit(asking)
	for _, row := range now.Msg.GetShards() {
		was, is := owner[row.GetShard()], row.GetOwner()
		if was.GetEpoch() == is.GetEpoch() && was.GetIncarnation() == is.GetIncarnation() {
			continue
		}
		g.Go(func() error {
			r, err := s.rpc.Owners(asked, connect.NewRequest(&adminv1.OwnersRequest{Shard: row.GetShard(), Limit: maxRecords}))
			if err != nil {
				return fmt.Errorf("shard %d: %w", row.GetShard(), err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, record := range r.Msg.GetRecords() {
				if c, ok := changeOf(record, started); ok {
					all = append(all, c)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Shard, b.Shard), cmp.Compare(a.Epoch, b.Epoch))
	})
	return all, s.addStalls(ctx, all)
}

// changeOf is a change that a record speaks of, if it was since a run began.
func changeOf(r *clusterv1.OwnerRecord, started time.Time) (Change, bool) {
	at := r.GetAt().AsTime()
	c := Change{
		At: at.Sub(started).Seconds(), Shard: r.GetShard(), Epoch: r.GetEpoch(),
		From: r.GetWas().GetNode(), To: r.GetOwner().GetNode(),
	}
	switch r.GetEvent() {
	case clusterv1.OwnerEvent_OWNER_EVENT_OWNED:
		c.How = HowClaimed
		if r.GetOwner().GetHandedBy() != "" {
			c.How = HowMoved
		}
	case clusterv1.OwnerEvent_OWNER_EVENT_NOBODY:
		c.How = HowLost
	default: // how things stood, not a change
		return Change{}, false
	}
	return c, !at.Before(started)
}

// addStalls takes from the receipts of moves how long nobody served the shards.
func (s *Sampler) addStalls(ctx context.Context, all []Change) error {
	type ownership struct {
		shard uint32
		epoch uint64
	}
	moved := make(map[ownership]*Change)
	for i := range all {
		if c := &all[i]; c.How == HowMoved {
			moved[ownership{c.Shard, c.Epoch}] = c
		}
	}
	if len(moved) == 0 {
		return nil
	}
	r, err := s.rpc.Moves(ctx, connect.NewRequest(&adminv1.MovesRequest{Limit: maxRecords}))
	if err != nil {
		return err
	}
	for _, receipt := range r.Msg.GetReceipts() {
		if c := moved[ownership{receipt.GetShard(), receipt.GetEpoch()}]; c != nil && receipt.GetOutcome() == clusterv1.MoveOutcome_MOVE_OUTCOME_MOVED {
			c.StallMs = receipt.GetStallMs()
		}
	}
	return nil
}
