package replay

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/bench/launch"
	"github.com/holdfast-game/holdfast/bench/report"
)

// ErrChecks: something that had to hold after a replay did not.
var ErrChecks = errors.New("not every check holds")

// Command returns `replay`, of a program of that version.
func Command(build string) *cobra.Command {
	cfg := Config{Build: build}
	var worker, asJSON bool
	var page string
	c := &cobra.Command{
		Use:   "replay TAPE",
		Short: "Play a tape back against a cluster, and compare what becomes of the requests",
		Long: `Play a tape back against a cluster, and compare what becomes of the requests.

Every player on the tape is replaced by one or more that nobody has known before,
and sends what the other has sent, when it has, divided by --speed. What was sent
after an answer waits for the answer. Products, zones and groups must be there, or,
products, are put on sale with --stock; without --url a node is started with them.

For each kind of request the outcomes on the tape and now are compared, and at the
end the books are audited. Ends with 1 when the books do not hold; that outcomes
differ is told, and is for you to judge.`,
		Args: func(c *cobra.Command, args []string) error {
			if worker {
				return cobra.NoArgs(c, args)
			}
			return cobra.ExactArgs(1)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if worker {
				c.SilenceUsage = true
				return Work(c.Context(), c.InOrStdin(), c.OutOrStdout())
			}
			cfg.Tape = args[0]
			if err := cfg.Validate(); err != nil {
				return err
			}
			c.SilenceUsage = true
			if !asJSON {
				cfg.Progress = NewProgress(c.ErrOrStderr())
			}
			r, err := Replay(c.Context(), cfg)
			if err != nil {
				return err
			}
			if page != "" {
				if err := report.SavePage(page, r); err != nil {
					return err
				}
			}
			return show(c, r, asJSON)
		},
	}
	t := &cfg.Target
	launch.Flags{URL: &t.URL, Admin: &t.Admin, AdminToken: &t.AdminToken, Secret: &t.Secret, CA: &t.CA}.Add(c)
	f := c.Flags()
	f.Float64Var(&cfg.Speed, "speed", 1, "how much faster than on the tape")
	f.BoolVar(&cfg.Unpaced, "unpaced", false, "as fast as answers come, whatever the times on the tape")
	f.IntVar(&cfg.Scale, "scale", 1, "players in the place of each on the tape")
	f.StringVar(&cfg.Prefix, "players-prefix", "", "begins the ids of the players (default: one that is new)")
	f.Int64Var(&cfg.Stock, "stock", 0, "put the tape's products on sale, with so many units of each; without --url 1,000,000")
	f.Int64Var(&cfg.Balance, "balance", 0, "give every player so much of every currency on the tape")
	f.IntVar(&cfg.Workers, "workers", 0, "processes that send; 0: as many as the tape needs")
	f.DurationVar(&cfg.Patience, "patience", cfg.withDefaults().Patience, "wait for an answer at most")
	f.DurationVar(&cfg.Settle, "settle", cfg.withDefaults().Settle, "wait for the books to settle at most")
	f.Uint64Var(&cfg.Seed, "seed", 1, "spreads the players in the place of one")
	f.BoolVar(&asJSON, "json", false, "print the run as JSON, and no progress")
	f.StringVar(&page, "report", "", "write a page of the run to this file, as HTML")
	f.BoolVar(&worker, "worker", false, "be a worker of a replay: hear what to do")
	if err := f.MarkHidden("worker"); err != nil {
		panic(err) // the flag is a line above
	}
	c.MarkFlagsMutuallyExclusive("speed", "unpaced")
	return c
}

// show prints a run.
func show(c *cobra.Command, r *report.Run, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(c.OutOrStdout())
		e.SetIndent("", "  ")
		if err := e.Encode(r); err != nil {
			return fmt.Errorf("print run: %w", err)
		}
	} else if err := Print(c.OutOrStdout(), r); err != nil {
		return err
	}
	if !allHold(r.Checks) {
		return ErrChecks
	}
	return nil
}
