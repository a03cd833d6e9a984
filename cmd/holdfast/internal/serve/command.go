package serve

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/config"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
)

// Command returns `serve`. version is told to the cluster, and kinds are hosted
// beside the built-in ones.
func Command(version string, kinds []actors.Kind) *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run a node",
		Long: `Run a node until SIGTERM or SIGINT, which drain it; a second one ends it at once.

Each setting can be given as a flag, as HOLDFAST_<NAME> in the environment or in
a YAML file (--config), in this order of precedence.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := config.Load(c.Flags(), os.Environ())
			if err != nil {
				return exit.Unstarted(err)
			}
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			// Once one has come, the next finds no handler and ends the process.
			defer context.AfterFunc(ctx, stop)()

			logger := newLogger(cfg, os.Stderr)
			slog.SetDefault(logger)
			n, err := open(ctx, cfg, version, kinds, logger)
			if err != nil {
				return exit.Unstarted(err)
			}
			defer n.close()
			return n.run(ctx)
		},
	}
	config.AddFlags(c.Flags())
	return c
}
