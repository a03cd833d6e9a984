package app

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/bench"
	"github.com/holdfast-game/holdfast/bench/chaos"
	"github.com/holdfast-game/holdfast/bench/replay"
	"github.com/holdfast-game/holdfast/bench/report"
	"github.com/holdfast-game/holdfast/bench/tape/splice"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/ctl"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/dev"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/journal"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/serve"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/simulate"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/token"
)

// newRoot returns the command with its subcommands.
func newRoot(kinds []actors.Kind) *cobra.Command {
	root := &cobra.Command{
		Use:   "holdfast",
		Short: "Game shard server: nodes, clusters and load",
		// Main prints errors, on one line. How a command is used is a matter for
		// --help: it would hide the error.
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(
		serve.Command(version(), kinds), dev.Command(),
		ctl.Command(), journal.Command(version(), kinds), token.Command(), versionCommand(),
		bench.Command(), bench.DemoCommand(), chaos.Command(), simulate.Command(), splice.Command(), replay.Command(version()), report.Command(),
	)
	refuseMisuse(root)
	return root
}

// refuseMisuse has wrong flags and arguments of c and its subcommands, and what
// their PreRunE finds, end with the status of a command that could not start.
func refuseMisuse(c *cobra.Command) {
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return exit.Unstarted(err) })
	args := c.Args
	c.Args = func(c *cobra.Command, given []string) error {
		if args == nil {
			args = cobra.NoArgs
		}
		return exit.Unstarted(args(c, given))
	}
	prepare := c.PreRunE
	c.PreRunE = func(c *cobra.Command, given []string) error {
		// cobra looks after this, and its error would be one of the command's work.
		if err := errors.Join(c.ValidateRequiredFlags(), c.ValidateFlagGroups()); err != nil {
			return exit.Unstarted(err)
		}
		if prepare == nil {
			return nil
		}
		return exit.Unstarted(prepare(c, given))
	}
	if c.HasSubCommands() && c.RunE == nil {
		c.RunE = func(c *cobra.Command, _ []string) error {
			return errors.Join(c.Help(), exit.Unstarted(errors.New("which command?")))
		}
	}
	for _, sub := range c.Commands() {
		refuseMisuse(sub)
	}
}
