package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/bench/launch"
	"github.com/holdfast-game/holdfast/bench/report"
	"github.com/holdfast-game/holdfast/bench/tape"
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
after an answer waits for the answer. Products and zones must be there, or, products,
are put on sale with --stock; without --url a node is started for the time of the
replay, with all of them. Groups begin with their first member.

For each kind of request the outcomes on the tape and now are compared, and at the
end the books are audited. Ends with 1 when the books do not hold or nothing at all
was answered, and with 2 when the replay cannot begin; that outcomes differ is told,
and is for you to judge.`,
		Example: `  holdfast replay tapes/a-001.tape                    # a node of its own, as recorded
  holdfast replay a.tape --speed 10 --report a.html   # ten times as fast, with a page
  holdfast replay a.tape --unpaced --json > a.json    # as fast as answers come
  holdfast replay a.tape --url wss://play.example.com/v1/ws --admin https://10.0.0.7:8081 \
      --secret-file auth.secret --admin-token-file admin.token --stock 100000`,
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
			c.SilenceUsage = true
			if !asJSON {
				cfg.Progress = NewProgress(c.ErrOrStderr())
			}
			ctx, stop := launch.Interruptible(c.Context())
			defer stop()
			r, err := Replay(ctx, cfg)
			if r == nil {
				return launch.Interrupted(ctx, err)
			}
			// What took long to find out is shown first: nothing after it loses it.
			err = errors.Join(err, show(c, r, asJSON))
			if page != "" {
				err = errors.Join(err, report.SavePage(page, r))
			}
			return err
		},
	}
	cfg.flags(c)
	f := c.Flags()
	f.BoolVar(&asJSON, "json", false, "print the run as JSON, and no progress")
	f.StringVar(&page, "report", "", "write a page of the run to this file, as HTML")
	f.BoolVar(&worker, "worker", false, "be a worker of a replay: hear what to do")
	if err := f.MarkHidden("worker"); err != nil {
		panic(err) // the flag is a line above
	}
	c.MarkFlagsMutuallyExclusive("speed", "unpaced")
	secrets := c.PreRunE // it reads them from files
	c.PreRunE = func(c *cobra.Command, args []string) error {
		if worker {
			return nil
		}
		if err := secrets(c, args); err != nil {
			return err
		}
		cfg.Tape = args[0]
		return cfg.check(f.Changed, page)
	}
	return c
}

// flags adds those that are a Config's.
func (c *Config) flags(to *cobra.Command) {
	t := &c.Target
	launch.Flags{URL: &t.URL, Admin: &t.Admin, AdminToken: &t.AdminToken, Secret: &t.Secret, CA: &t.CA}.Add(to)
	f := to.Flags()
	f.Float64Var(&c.Speed, "speed", 1, "how much faster than on the tape")
	f.BoolVar(&c.Unpaced, "unpaced", false, "as fast as answers come, whatever the times on the tape")
	f.IntVar(&c.Scale, "scale", 1, "players in the place of each on the tape")
	f.StringVar(&c.Prefix, "players-prefix", "", "begins the ids of the players (default: one that is new)")
	f.Int64Var(&c.Stock, "stock", 0, "put the tape's products on sale, with so many units of each; without --url 1,000,000")
	f.Int64Var(&c.Balance, "balance", 0, "give every player so much of every currency on the tape")
	f.IntVar(&c.Workers, "workers", 0, "processes that send; 0: as many as the tape needs")
	f.DurationVar(&c.Patience, "patience", c.withDefaults().Patience, "wait for an answer at most")
	f.DurationVar(&c.Settle, "settle", c.withDefaults().Settle, "wait for the books to settle at most")
	f.Uint64Var(&c.Seed, "seed", 1, "spreads the players in the place of one")
}

// check says why a replay cannot begin, as far as that can be known before.
func (c *Config) check(given func(flag string) bool, page string) error {
	for _, v := range []struct {
		flag string
		none bool // which would be the default
	}{{"speed", c.Speed == 0}, {"scale", c.Scale == 0}, {"patience", c.Patience == 0}, {"settle", c.Settle == 0}} {
		if v.none && given(v.flag) {
			return fmt.Errorf("--%s: 0, must be positive", v.flag)
		}
	}
	if err := c.Validate(); err != nil {
		return err
	}
	if page != "" {
		if _, err := os.Stat(filepath.Dir(page)); err != nil {
			return fmt.Errorf("--report: %w", err)
		}
	}
	in, err := tape.Open(c.Tape)
	if err != nil {
		return err
	}
	return in.Close()
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
