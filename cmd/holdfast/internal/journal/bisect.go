package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/journal/bisect"
)

// errDisagree is what `journal bisect` ends with when the builds disagree.
var errDisagree = errors.New("the builds disagree")

// foldName is the command that a build is run with as a child.
const foldName = "fold"

func bisectCommand(from *source) *cobra.Command {
	var only int
	var asJSON bool
	cfg := bisect.Config{Args: []string{"journal", foldName}}
	c := &cobra.Command{
		Use:   "bisect --good BIN --bad BIN",
		Short: "Find the first record that two builds make different states of",
		Long: `Find the first record that two builds make different states of. Both programs are
run as children and given the events of the logs, one actor's after the other's as
they were written; each says the hash of the states that it gets. When these differ
the range is narrowed down to one record, which is told with what it says and with
what is different in the two states. A build that ends, or cannot read an event that
the other can, disagrees too.

It is for the moment before an upgrade: do the logs that there are give the same with
the new program? And for the one after a mistake: with which event does it begin?

Events are folded a range at a time; a difference that is gone at the end of its range,
and has left no trace, is not seen. With --every 1 it is, and large states make that
slow. Of actors whose first events were purged the checkpoint before the last is where
they begin. Ends with 0 when the builds agree, and with 1 when they do not.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if cfg.Every < 1 {
				return exit.Unstarted(fmt.Errorf("--every: %d, must be positive", cfg.Every))
			}
			if cfg.Patience <= 0 {
				return exit.Unstarted(fmt.Errorf("--patience: %v, must be positive", cfg.Patience))
			}
			return from.read(c, func(r *reader) error {
				if err := r.checkShard(only); err != nil {
					return err
				}
				res, err := r.bisect(c.Context(), cfg, only)
				switch {
				case errors.Is(err, bisect.ErrUnstable):
					return err
				case err != nil:
					return exit.Unstarted(err)
				}
				if err := printBisection(c.OutOrStdout(), res, asJSON); err != nil || res.Found == nil {
					return err
				}
				return errDisagree
			})
		},
	}
	f := c.Flags()
	f.StringVar(&cfg.Good, "good", "", "the program that is right")
	f.StringVar(&cfg.Bad, "bad", "", "the program that may not be")
	f.IntVar(&only, "shard", -1, "only this shard")
	f.IntVar(&cfg.Every, "every", bisect.DefaultEvery, "how many records are folded at a time, until there is a difference")
	f.DurationVar(&cfg.Patience, "patience", bisect.DefaultPatience, "how long a build may take for that")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	_ = c.MarkFlagRequired("good") // these flags exist
	_ = c.MarkFlagRequired("bad")
	return c
}

// bisect compares the builds on the history of all shards, or of only one if that
// is not negative.
func (r *reader) bisect(ctx context.Context, cfg bisect.Config, only int) (res *bisect.Result, err error) {
	err = r.examine(ctx, func(m *moment) error {
		h, err := r.history(ctx, m, only)
		if err != nil {
			return err
		}
		cfg.History = h.read
		res, err = bisect.Run(ctx, cfg)
		return err
	})
	return res, err
}

// foldCommand is the child. People have no use for it.
func foldCommand(build string, added []actors.Kind) *cobra.Command {
	return &cobra.Command{
		Use:    foldName,
		Short:  "Fold events as journal bisect asks for, on standard input and output",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			kinds, err := registry(added)
			if err != nil {
				return exit.Unstarted(err)
			}
			return bisect.Serve(c.InOrStdin(), c.OutOrStdout(), build, kinds)
		},
	}
}

func printBisection(w io.Writer, r *bisect.Result, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(r)
	}
	p := &strict{w: w}
	p.f("good  %s\nbad   %s\n", r.Good, r.Bad)
	f := r.Found
	if f == nil {
		p.f("they agree on %d events and %d states of checkpoints, of %d actors\n", r.Events, r.States, r.Actors)
		if r.Refused > 0 {
			p.f("neither can fold %d of the actors\n", r.Refused)
		}
		return p.err
	}
	if f.Restored {
		p.f("they disagree on the state of %s/%s, after event %d, in the checkpoint before the last\n  shard %s, taken at epoch %d\n",
			f.Kind, f.ID, f.Seq, f.Where.Shard, f.Where.Epoch)
	} else {
		p.f("they disagree first on event %d of %s/%s\n  log %s, entry %d, record %d of it; shard %s, epoch %d\n",
			f.Seq, f.Kind, f.ID, f.Where.Log, f.Where.Entry, f.Where.Record, f.Where.Shard, f.Where.Epoch)
	}
	if len(f.Event) > 0 {
		p.f("  %s\n", f.Event)
	}
	for _, side := range []struct {
		name string
		of   bisect.Side
	}{{"good", f.Good}, {"bad", f.Bad}} {
		if side.of.Refused != "" {
			p.f("%-5s %s\n", side.name, side.of.Refused)
		} else {
			p.f("%-5s makes state hash %s of it\n", side.name, side.of.Hash)
		}
	}
	for _, d := range f.Differences {
		p.f("  %s: good %s, bad %s\n", d.Path, orNothing(d.Good), orNothing(d.Bad))
	}
	p.f("they agree on the %d events and %d states before it\n", r.Events, r.States)
	return p.err
}

func orNothing(s string) string {
	if s == "" {
		return "has nothing"
	}
	return s
}

// strict prints until that fails.
type strict struct {
	w   io.Writer
	err error
}

func (p *strict) f(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}
