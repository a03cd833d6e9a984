package journal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// errInconsistent is what `journal check` ends with when anything is wrong.
var errInconsistent = errors.New("the logs do not tell one story")

func checkCommand(from *source, added []actors.Kind) *cobra.Command {
	var whole, asJSON bool
	c := &cobra.Command{
		Use:   "check",
		Short: "Check that logs and checkpoints tell one story",
		Long: `Check that logs and checkpoints tell one story:

  entries      are numbered without a gap in each log, can be read, and none stands
               behind a seal but what was in flight when that came
  owners       every record was written under an ownership that there has been, by
               one node, the one that the audit trail names, where the shard's record
               in etcd says, and in the order of epochs; what a recovery would read
               now is there
  events       of each actor are numbered without a gap, and no number occurs twice,
               over all logs; each can be applied to what was before
  checkpoints  can be read, have the hash that they were taken at, hold for every
               actor the state that the events before give, and leave out none that
               a recovery from them would not read

What was purged cannot be checked: such actors begin with their checkpoint. With
--whole everything must go back to the first event; nodes that run with
--retain-logs keep it. A cluster at work is checked as it was at one moment. All
actors' states are held in memory. Ends with 1 when anything is wrong.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			kinds, err := registry(added)
			if err != nil {
				return exit.Unstarted(err)
			}
			return from.read(c, func(r *reader) error {
				v, err := r.check(c.Context(), kinds, whole)
				if err != nil {
					return exit.Unstarted(err)
				}
				if err := v.print(c.OutOrStdout(), asJSON); err != nil || v.OK {
					return err
				}
				return errInconsistent
			})
		},
	}
	c.Flags().BoolVar(&whole, "whole", false, "the logs must go back to the first event of every actor")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// check looks at the cluster and judges it.
func (r *reader) check(ctx context.Context, kinds *actors.Registry, whole bool) (v *verdict, err error) {
	err = r.examine(ctx, func(m *moment) error {
		v, err = r.judge(ctx, m, kinds, whole)
		return err
	})
	if lost := new(lostError); errors.As(err, &lost) {
		v, err = newVerdict(lost.at, whole), nil
		v.owners.fail("%v", lost.err)
		v.events.skip("what they are is not certain")
		v.checkpoints.skip("there are no events to compare them with")
		v.done()
	}
	return v, err
}

// judge checks one moment. The errors are those of reading; what is wrong with
// what was read is in the verdict.
func (r *reader) judge(ctx context.Context, m *moment, kinds *actors.Registry, whole bool) (*verdict, error) {
	v := newVerdict(m, whole)
	x, err := r.index(ctx, m, v)
	if err != nil {
		return nil, err
	}
	if err := r.checkTrail(ctx, x, v); err != nil {
		return nil, err
	}
	if err := checkRecords(m, v); err != nil {
		return nil, err
	}
	if !v.entries.ok() || !v.owners.ok() {
		// In which order to fold what is left is anybody's guess.
		v.events.skip("which events there are, and in which order, is not certain")
		v.checkpoints.skip("there are no events to compare them with")
		return v.done(), nil
	}
	f := newFold(x, kinds, v, r.view.Shards())
	for _, s := range slices.Sorted(maps.Keys(m.before)) {
		if err := f.load(ctx, s, m); err != nil {
			return nil, err
		}
	}
	if err := r.fold(ctx, m, f); err != nil {
		return nil, err
	}
	f.finish()
	return v.done(), nil
}

// checkRecords checks that a recovery of each shard, from either checkpoint,
// would find what it needs. The error is ErrMissing when it would not.
func checkRecords(m *moment, v *verdict) error {
	logs := make(map[cluster.LogName]logExtent)
	for _, l := range m.logs {
		logs[l.name] = l
	}
	for _, s := range slices.Sorted(maps.Keys(m.before)) {
		rec := m.closed(s)
		bases := []*clusterv1.Checkpoint{rec.GetPrevious(), rec.GetCurrent()}
		for i, cp := range bases {
			if i > 0 && cp == nil || i == 0 && cp == nil && rec.GetCurrent() == nil && len(rec.GetSegments()) == 0 {
				continue
			}
			stretches, err := cluster.Replay(rec, cp)
			if err != nil {
				v.owners.fail("shard %s: %v", s, err)
				continue
			}
			for _, st := range stretches {
				// Where a log was sealed, the seal is the last entry asked for.
				if l, ok := logs[st.Log]; !ok || st.From < l.First || st.To > max(l.Last, l.Seal) {
					return fmt.Errorf("shard %s: %w: a recovery reads entries %d to %d of log %s, which has %d to %d",
						s, journal.ErrMissing, st.From, st.To, st.Log, l.First, l.Last)
				}
			}
		}
	}
	return nil
}
