package dev

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
)

func restartCommand(data *string) *cobra.Command {
	return &cobra.Command{
		Use:   "restart NAME",
		Short: "Start a member such as etcd-2 again, after ending it if it runs",
		Long: `Start a member such as etcd-2 again, after ending it if it runs, and print its
process id. It has its data and its addresses; whether it serves depends on the
other members, and is not waited for.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			pid, err := ask(*data, wireRequest{Restart: args[0]})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), pid)
			return err
		},
	}
}

func roomCommand(data *string) *cobra.Command {
	return &cobra.Command{
		Use:   "room BYTES|all",
		Short: "Have NATS refuse what does not fit into so many bytes more, or into its disks",
		Long: `Have NATS refuse what does not fit into so many bytes more, copies included: what it
does when its store is full. "all" takes the limit off, and so does the restart of a
server, on that server. What a member made of it stands in its log.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			bytes, err := int64(-1), error(nil)
			if args[0] != "all" {
				bytes, err = strconv.ParseInt(args[0], 10, 64)
			}
			if err != nil || args[0] != "all" && bytes < 0 {
				return exit.Unstarted(fmt.Errorf("BYTES: %q, must be a whole number, or all", args[0]))
			}
			_, err = ask(*data, wireRequest{Room: &bytes})
			return err
		},
	}
}
