package simulate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	"github.com/holdfast-game/holdfast/internal/sim"
)

// request is what the command was asked for.
type request struct {
	seeds, from, seed uint64
	steps, workers    int
	plant             string
	trace, plants     bool
}

// Command returns `simulate`.
func Command() *cobra.Command {
	var r request
	c := &cobra.Command{
		Use:   "simulate",
		Short: "Run the protocols of ownership and purchase through thousands of simulated clusters",
		Long: `Simulate runs the real state machines of ownership, moves, log and purchases,
several nodes of them, against models of etcd, of the log and of the network that
lose, delay, double and reorder what they carry, while nodes pause, crash and lose
their clocks. A seed decides everything; the same seed gives the same run. After
each step the invariants of docs/reliability.md are checked.

With --plant a rule is broken on purpose, and the command fails unless that is
found.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), c.OutOrStdout(), r) },
	}
	f := c.Flags()
	f.Uint64Var(&r.seeds, "seeds", 10_000, "how many seeds")
	f.Uint64Var(&r.from, "from", 1, "the first of them")
	f.Uint64Var(&r.seed, "seed", 0, "simulate this seed only")
	f.BoolVar(&r.trace, "trace", false, "with --seed: print everything that happens")
	f.IntVar(&r.steps, "steps", sim.DefaultSteps, "how many things happen while there are faults, at most")
	f.IntVar(&r.workers, "workers", runtime.GOMAXPROCS(0), "seeds at a time")
	f.StringVar(&r.plant, "plant", "", "put a bug in, and fail unless it is found")
	f.BoolVar(&r.plants, "plants", false, "list the bugs that can be put in")
	c.AddCommand(rebalanceCommand())
	return c
}

func run(ctx context.Context, out io.Writer, r request) error {
	switch {
	case r.plants:
		for _, p := range sim.Plants() {
			fmt.Fprintf(out, "%-24s%s\n", p.Name, p.What)
		}
		return nil
	case r.steps <= 0:
		return exit.Unstarted(fmt.Errorf("--steps: %d, must be positive", r.steps))
	case r.workers <= 0:
		return exit.Unstarted(fmt.Errorf("--workers: %d, must be positive", r.workers))
	case r.trace && r.seed == 0:
		return exit.Unstarted(errors.New("--trace: needs --seed"))
	case r.seed != 0:
		r.from, r.seeds, r.workers = r.seed, 1, 1
	case r.seeds == 0:
		return exit.Unstarted(errors.New("--seeds: 0, must be positive"))
	}
	// A world is small, soon gone, and mostly garbage: collecting it less often
	// is a third of the time.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	cfg := sim.Config{Steps: r.steps, Plant: r.plant}
	if r.trace {
		cfg.Trace = func(line string) { fmt.Fprintln(out, line) }
	}
	began := time.Now()
	s, err := many(ctx, cfg, r)
	if err != nil {
		return exit.Unstarted(err)
	}
	s.print(out, time.Since(began))
	switch failed := s.failed != nil; {
	case r.plant == "" && failed:
		return fmt.Errorf("seed %d: after %d steps: %w; replay it with: %s", s.failed.Number, s.failed.Steps, s.failed.Err, r.replay(s.failed.Number))
	case r.plant != "" && !failed:
		return fmt.Errorf("%s was not found in %d seeds", r.plant, s.seeds)
	case failed:
		fmt.Fprintf(out, "%s: %d of %d seeds find it, seed %d after %d steps: %v\nreplay it with: %s\n",
			r.plant, s.failures, s.seeds, s.failed.Number, s.failed.Steps, s.failed.Err, r.replay(s.failed.Number))
	}
	return nil
}

// replay is the command that runs one seed again.
func (r request) replay(seed uint64) string {
	c := fmt.Sprintf("holdfast simulate --seed %d --trace", seed)
	if r.steps != sim.DefaultSteps {
		c += fmt.Sprintf(" --steps %d", r.steps)
	}
	if r.plant != "" {
		c += " --plant " + r.plant
	}
	return c
}

// summary is what came of many seeds.
type summary struct {
	seeds, failures int
	steps           int
	simulated       time.Duration
	counts          sim.Counts
	failed          *sim.Seed // the lowest that was seen
}

// many runs the seeds. Without a planted bug the first failure ends it.
func many(ctx context.Context, cfg sim.Config, r request) (*summary, error) {
	s := new(summary)
	err := sim.RunMany(ctx, cfg, r.from, r.seeds, r.workers, func(seed sim.Seed) bool {
		s.seeds++
		s.steps += seed.Steps
		s.simulated += seed.Time
		s.counts.Add(seed.Counts)
		if seed.Err == nil {
			return true
		}
		s.failures++
		if s.failed == nil || seed.Number < s.failed.Number {
			s.failed = &seed
		}
		return r.plant != ""
	})
	return s, err
}

func (s *summary) print(out io.Writer, took time.Duration) {
	c := &s.counts
	fmt.Fprintf(out, "%d seeds, %d steps, %v of cluster time in %v: %.0f seeds/s, %d failed\n",
		s.seeds, s.steps, s.simulated.Round(time.Second), took.Round(time.Millisecond), float64(s.seeds)/took.Seconds(), s.failures)
	fmt.Fprintf(out, "%d claims, %d moves, %d rolled back, %d in doubt, %d lives ended, %d shards stopped themselves\n",
		c.Claims, c.Moves, c.Rollbacks, c.Doubts, c.Ends, c.Failures)
	fmt.Fprintf(out, "%d turns, %d records, %d outputs, %d purchases, %d refused, %d reads\n",
		c.Turns, c.Records, c.Outputs, c.Bought, c.Refused, c.Reads)
	fmt.Fprintf(out, "%d checkpoints, %d purges, %d logs removed, %d records replayed, %d listings after compactions\n",
		c.Checkpoints, c.Purges, c.Swept, c.Replayed, c.Relists)
}
