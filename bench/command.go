package bench

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/bench/baseline"
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
			ctx, stop := launch.Interruptible(c.Context())
			defer stop()
			return launch.Interrupted(ctx, Demo(ctx, c.OutOrStdout()))
		},
	}
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
