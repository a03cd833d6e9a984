package chaos

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/bench/chaos/history"
)

// ErrChecks: the campaign was run to its end, and some check does not hold.
var ErrChecks = errors.New("the cluster did not keep every promise")

// Command returns `chaos`, with its subcommand.
func Command() *cobra.Command {
	var cfg Config
	var faults []string
	c := &cobra.Command{
		Use:   "chaos",
		Short: "Hold a sale on a cluster of its own, break things meanwhile, and check every promise",
		Long: `Hold a sale on a cluster of its own, break things meanwhile, and check every
promise. Everything runs on loopback, in processes that end with this one: etcd and
NATS, three nodes, two gateways, and proxies between them.

The same seed gives the same schedule of faults. Kinds of faults:

` + describeKinds() + `
What a machine cannot do is skipped, and the report says why: strace is needed for
what happens to fsync, and the right to mount for a disk that fills.

Ends with 1 when a check does not hold; then, and with --keep, the folder stays,
with the history, the schedule, the logs of all processes and their data.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			for _, f := range faults {
				cfg.Faults = append(cfg.Faults, Kind(strings.TrimSpace(f)))
			}
			if err := cfg.Validate(); err != nil {
				return err
			}
			c.SilenceUsage = true
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			// Once one has come, the next finds no handler and ends the process.
			defer context.AfterFunc(ctx, stop)()
			cfg.Log = c.ErrOrStderr()
			report, err := Run(ctx, cfg)
			if err != nil {
				return err
			}
			if err := report.WriteText(c.OutOrStdout()); err != nil {
				return err
			}
			if !report.OK() {
				return ErrChecks
			}
			return nil
		},
	}
	f := c.Flags()
	f.DurationVar(&cfg.For, "for", time.Minute, "length of the load")
	f.Uint64Var(&cfg.Seed, "seed", 1, "seed of the schedule and of the players' choices")
	f.StringSliceVar(&faults, "faults", nil, "kinds of faults, separated by commas; none: all")
	f.StringVar(&cfg.Keep, "keep", "", "folder for everything; none: a temporary one, removed when all is well")
	f.IntVar(&cfg.Members, "members", 3, "members of etcd, and servers of NATS: 1 or 3")
	f.Float64Var(&cfg.Rate, "rate", 700, "purchases a second")
	f.IntVar(&cfg.Players, "players", 320, "players")
	f.DurationVar(&cfg.LeaseTTL, "lease-ttl", 3*time.Second, "lease of the nodes")
	c.AddCommand(history.CheckCommand())
	return c
}

func describeKinds() string {
	var b strings.Builder
	for _, k := range Kinds() {
		fmt.Fprintf(&b, "  %-13s  %s\n", k, kinds[k].about)
	}
	return b.String()
}
