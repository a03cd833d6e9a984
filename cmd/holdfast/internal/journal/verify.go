package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
)

// errUnproven is what `journal verify` ends with when anything is wrong.
var errUnproven = errors.New("replay does not give what the checkpoints hold")

func verifyCommand(from *source, added []actors.Kind) *cobra.Command {
	var only int
	var asJSON bool
	c := &cobra.Command{
		Use:   "verify",
		Short: "Replay the logs as a recovery would, and compare with the checkpoints",
		Long: `Replay the logs as a recovery would, and compare with the checkpoints. Each shard is
put together twice: from the checkpoint before the last, or its first event where
there is none, and from the last one. The first replay comes by the last checkpoint,
and must give the state that it holds of every actor, and so its state hash; in the
end both must have come to the same. A difference is told with the actor and its
event.

This is what ctl verify has the owners do with what they have in memory. It needs no
node: only what the logs and checkpoints hold is compared. What a recovery does not
need is left out; that all logs tell one story is what check finds out.

What has been logged since the older checkpoints is held in memory: --shard verifies
one shard only. Ends with 1 when anything is wrong.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			kinds, err := registry(added)
			if err != nil {
				return exit.Unstarted(err)
			}
			return from.read(c, func(r *reader) error {
				if err := r.checkShard(only); err != nil {
					return err
				}
				p, err := r.verify(c.Context(), kinds, only)
				if err != nil {
					return exit.Unstarted(err)
				}
				if err := p.print(c.OutOrStdout(), asJSON); err != nil || p.OK {
					return err
				}
				return errUnproven
			})
		},
	}
	c.Flags().IntVar(&only, "shard", -1, "only this shard")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// proof is what `journal verify` has found.
type proof struct {
	OK     bool          `json:"ok"`
	Shards []*shardProof `json:"shards"`
}

// shardProof is one shard, put together from whatever a recovery could begin
// with.
type shardProof struct {
	Shard   cluster.ShardID `json:"shard"`
	Epoch   cluster.Epoch   `json:"epoch"`
	OK      bool            `json:"ok"`
	Replays []*replayed     `json:"replays"`
	// Failed counts what was wrong; the first of it is told.
	Failed      int      `json:"failed,omitempty"`
	Differences []string `json:"differences,omitempty"`
}

// replayed is one way to the shard's state.
type replayed struct {
	From string `json:"from"`
	// Taken is when the checkpoint was; nil for a replay from the first event.
	Taken   *time.Time `json:"taken,omitempty"`
	Entries uint64     `json:"entries"`
	Events  uint64     `json:"events"`
	Actors  int        `json:"actors"`
	// StateHash is what it has come to.
	StateHash string `json:"state_hash"`
	// Checkpoint compares the last checkpoint with the replay that came by it. nil
	// for a replay that begins there.
	Checkpoint *passedBy `json:"checkpoint,omitempty"`
}

// passedBy is a checkpoint's state hash as it was taken, and the same of the
// states that replay gave these actors at these events.
type passedBy struct {
	Taken    string `json:"taken"`
	Replayed string `json:"replayed"`
}

func (p *shardProof) differ(format string, args ...any) {
	p.Failed++
	if len(p.Differences) < toldFailures {
		p.Differences = append(p.Differences, fmt.Sprintf(format, args...))
	}
}

// verify replays all shards, or only one if that is not negative.
func (r *reader) verify(ctx context.Context, kinds *actors.Registry, only int) (*proof, error) {
	p := new(proof)
	err := r.examine(ctx, func(m *moment) (err error) {
		shards := slices.Sorted(maps.Keys(m.before))
		if only >= 0 {
			shards = []cluster.ShardID{cluster.ShardID(only)}
		}
		p.Shards, err = r.replay(ctx, m, kinds, shards)
		return err
	})
	lost := new(lostError)
	switch {
	case errors.As(err, &lost) && only < 0: // whose it is will be seen
		p.Shards = nil
		for _, s := range slices.Sorted(maps.Keys(lost.at.before)) {
			one, err := r.verify(ctx, kinds, int(s))
			if err != nil {
				return nil, err
			}
			p.Shards = append(p.Shards, one.Shards...)
		}
	case errors.As(err, &lost):
		s := cluster.ShardID(only)
		p.Shards = []*shardProof{{Shard: s, Epoch: cluster.Epoch(lost.at.before[s].GetEpoch())}}
		p.Shards[0].differ("%v", lost)
	case err != nil:
		return nil, err
	}
	p.OK = true
	for _, s := range p.Shards {
		s.OK = s.Failed == 0
		p.OK = p.OK && s.OK
	}
	return p, nil
}

func (p *proof) print(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(p)
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "SHARD\tEPOCH\tFROM\tENTRIES\tEVENTS\tACTORS\tSTATE HASH\tLAST CHECKPOINT\tREPLAYED")
	good := 0
	for _, s := range p.Shards {
		if s.OK {
			good++
		}
		for _, x := range s.Replays {
			by := passedBy{"-", "-"}
			if x.Checkpoint != nil {
				by = *x.Checkpoint
			}
			fmt.Fprintf(t, "%d\t%d\t%s\t%d\t%d\t%d\t%s\t%s\t%s\n", s.Shard, s.Epoch, x.From, x.Entries, x.Events, x.Actors, x.StateHash, by.Taken, by.Replayed)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, s := range p.Shards {
		for _, d := range s.Differences {
			fmt.Fprintf(w, "shard %d: %s\n", s.Shard, d)
		}
		if more := s.Failed - len(s.Differences); more > 0 {
			fmt.Fprintf(w, "shard %d: and %d more\n", s.Shard, more)
		}
	}
	_, err := fmt.Fprintf(w, "%d of %d shards verified\n", good, len(p.Shards))
	return err
}
