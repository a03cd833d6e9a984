package bench

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/bench/baseline"
	"github.com/holdfast-game/holdfast/bench/chaos/history"
	"github.com/holdfast-game/holdfast/bench/delta"
	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/bench/launch"
	"github.com/holdfast-game/holdfast/bench/world"
)

// Command returns `bench`, with its subcommands.
func Command() *cobra.Command {
	c := &cobra.Command{
		Use:   "bench",
		Short: "Put load on a cluster and check its books afterwards",
		Args:  cobra.NoArgs,
		// Without this a misspelt subcommand would print the help and end with 0.
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(saleCommand(), echoCommand(), echoServer(), peersCommand(), baseline.Command())
	c.AddCommand(world.Commands()...)
	c.AddCommand(delta.Command())
	return c
}

// DemoCommand returns `demo`.
func DemoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Hold a flash sale on a node in a temporary folder, and check the books",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			c.SilenceUsage = true
			return Demo(c.Context(), c.OutOrStdout())
		},
	}
}

func saleCommand() *cobra.Command {
	var cfg SaleConfig
	var seconds, repeat, reads float64
	var asJSON bool
	var folder, runFile string
	c := &cobra.Command{
		Use:   "sale",
		Short: "Hold a flash sale and compare what was acknowledged with the books",
		Long: `Hold a flash sale and compare what was acknowledged with the books.

Without --url a node of its own is started in another process and a temporary
folder. Closed loop by default: each player sends its next purchase when the last
one was answered. With --rate purchases fall due at that rate, whatever becomes
of the earlier ones, and their latency counts from when they were due.

Ends with 1 when something was oversold, lost or bought twice, or when the books
do not add up.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("seconds") || cfg.Attempts == 0 && !cfg.UntilSoldOut {
				cfg.Duration = time.Duration(seconds * float64(time.Second))
			}
			if err := cfg.Validate(); err != nil {
				return err
			}
			c.SilenceUsage = true
			if folder != "" {
				h, err := history.Create(folder)
				if err != nil {
					return err
				}
				cfg.History, cfg.Repeat, cfg.Reads = h, repeat, reads
			}
			if !asJSON {
				cfg.Progress = NewProgress(c.ErrOrStderr())
			}
			cfg.Record = runFile != ""
			report, err := Sale(c.Context(), cfg)
			if err := errors.Join(err, cfg.History.Close()); err != nil {
				return err
			}
			if cfg.Record {
				if err := report.Run.Save(runFile); err != nil {
					return err
				}
			}
			if err := figures.Print(c.OutOrStdout(), report, asJSON); err != nil {
				return err
			}
			if !report.OK() {
				return ErrChecks
			}
			return nil
		},
	}
	launch.Flags{URL: &cfg.URL, Admin: &cfg.Admin, AdminToken: &cfg.AdminToken, Secret: &cfg.Secret, CA: &cfg.CA}.Add(c)
	f := c.Flags()
	f.IntVar(&cfg.Players, "players", 512, "players, each with a connection")
	f.Float64Var(&seconds, "seconds", 5, "length of the load; none with --attempts or --until-sold-out unless given")
	f.Int64Var(&cfg.Attempts, "attempts", 0, "end after so many purchases were tried, over all players")
	f.BoolVar(&cfg.UntilSoldOut, "until-sold-out", false, "end when everything is sold")
	f.Float64Var(&cfg.Rate, "rate", 0, "purchases a second in open loop; 0: closed loop")
	f.IntVar(&cfg.Outstanding, "outstanding", 8, "unanswered purchases of one player at most, in open loop")
	f.IntVar(&cfg.SKUs, "skus", 1, "products, which players choose from at random")
	f.Int64Var(&cfg.Stock, "stock", 1_000_000, "units of each product")
	f.IntVar(&cfg.Slices, "slices", 0, "slices of each product's stock; 0: as the cluster chooses")
	f.Int64Var(&cfg.Quantity, "quantity", 1, "units of one purchase")
	f.DurationVar(&cfg.Patience, "patience", 15*time.Second, "wait for the outcome of one purchase at most")
	f.DurationVar(&cfg.Settle, "settle", 10*time.Second, "wait for the books to settle at most")
	f.Uint64Var(&cfg.Seed, "seed", 1, "seed of the players' choices")
	f.StringVar(&folder, "history", "", "folder to record every request and answer in")
	f.Float64Var(&repeat, "repeat", 0.01, "share of answered purchases that are sent once more; with --history")
	f.Float64Var(&reads, "reads", 100, "reads of wallets a second; with --history")
	f.StringVar(&cfg.Tape, "record", "", "folder for a tape of it, which holdfast replay plays; without --url")
	f.StringVar(&runFile, "report-json", "", "file for all of it second by second, which holdfast report shows")
	f.BoolVar(&asJSON, "json", false, "print the report as JSON, and no progress")
	return c
}

func echoCommand() *cobra.Command {
	var cfg EchoConfig
	var seconds float64
	var asJSON bool
	c := &cobra.Command{
		Use:   "echo",
		Short: "Measure the machine's ceiling: the same client against a bare echo server",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg.Duration = time.Duration(seconds * float64(time.Second))
			if err := cfg.Validate(); err != nil {
				return err
			}
			c.SilenceUsage = true
			if !asJSON {
				cfg.Progress = NewProgress(c.ErrOrStderr())
			}
			report, err := Echo(c.Context(), cfg)
			if err != nil {
				return err
			}
			return figures.Print(c.OutOrStdout(), report, asJSON)
		},
	}
	f := c.Flags()
	f.IntVar(&cfg.Connections, "connections", 512, "connections, each with one request in flight")
	f.Float64Var(&seconds, "seconds", 5, "length of the load")
	f.BoolVar(&asJSON, "json", false, "print the report as JSON, and no progress")
	return c
}

func echoServer() *cobra.Command {
	return &cobra.Command{
		Use:    echoServerCommand,
		Short:  "Echo WebSocket messages; prints its address",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			c.SilenceUsage = true
			return serveEcho(c.Context(), c.OutOrStdout())
		},
	}
}
