package journal

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/audit"
)

// keptOwners is how many of a shard's owners are asked for: all that the audit
// trail keeps of one.
const keptOwners = 10_000

// checkTrail compares who wrote under each epoch with who owned the shard then,
// as far as the audit trail knows.
func (r *reader) checkTrail(ctx context.Context, x *index, v *verdict) error {
	trail, err := audit.Find(ctx, r.js, r.view.ClusterID())
	if errors.Is(err, audit.ErrNoTrail) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, s := range slices.Sorted(maps.Keys(x.tenures)) {
		records, err := trail.Owners(ctx, s, keptOwners)
		if err != nil {
			return err
		}
		owners := make(map[cluster.Epoch]cluster.Incarnation)
		for _, rec := range records {
			if o := rec.GetOwner(); o != nil {
				owners[cluster.Epoch(o.GetEpoch())] = cluster.Incarnation(o.GetIncarnation())
			}
		}
		for _, t := range x.tenures[s] {
			if owner, known := owners[t.epoch]; known && owner != t.writer {
				v.owners.fail("shard %s: records of epoch %d stand in the log of %s, the audit trail has %s as owner", s, t.epoch, t.writer, owner)
			}
		}
	}
	return nil
}
