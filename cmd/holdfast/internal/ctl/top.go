package ctl

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/ctl/top"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
)

// topReceipts is how many receipts top asks for: somewhat more than it shows.
const topReceipts = 10

func topCommand(d *desk) *cobra.Command {
	var every time.Duration
	c := &cobra.Command{
		Use:   "top",
		Short: "Nodes, shards, rates, latencies and moves, live",
		Long: `Nodes, shards, rates, latencies and moves, live. It asks the node that it is given
and, when that goes away, the others. Keys:

` + top.Keys,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			in, inIs := c.InOrStdin().(*os.File)
			out, outIs := c.OutOrStdout().(*os.File)
			switch {
			case d.asJSON:
				return exit.Unstarted(errors.New("--json: top is for people; use nodes, shards and moves"))
			case every <= 0:
				return exit.Unstarted(fmt.Errorf("--interval: %s, must be positive", every))
			case !inIs || !outIs || !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())):
				return exit.Unstarted(errors.New("top needs a terminal; use nodes, shards and moves"))
			}
			l, err := d.dial()
			if err != nil {
				return exit.Unstarted(err)
			}
			// What is wrong from the beginning is better said than shown.
			if _, err := sample(c.Context(), l); err != nil {
				return err
			}
			m := top.New(top.Config{
				Source: func(ctx context.Context) (*top.Sample, error) { return sample(ctx, l) },
				Every:  every, Output: out,
			})
			_, err = tea.NewProgram(m, tea.WithContext(c.Context()), tea.WithInput(in), tea.WithOutput(out), tea.WithAltScreen()).Run()
			if err != nil {
				return fmt.Errorf("run top: %w", err)
			}
			return nil
		},
	}
	c.Flags().DurationVar(&every, "interval", time.Second, "time between two looks")
	return c
}

// sample looks at the cluster, and turns to another node for the next time when
// this one does not answer.
func sample(ctx context.Context, l *line) (*top.Sample, error) {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	out := &top.Sample{From: l.node()}
	var err error
	if out.Nodes, err = ask(ctx, l, adminv1connect.AdminServiceClient.Nodes, new(adminv1.NodesRequest)); err == nil {
		l.learn(out.Nodes)
		out.Shards, err = ask(ctx, l, adminv1connect.AdminServiceClient.Shards, new(adminv1.ShardsRequest))
	}
	if err == nil {
		// Receipts are kept in NATS. That it does not answer is when the rest of the
		// picture is wanted most.
		var missing error
		if out.Moves, missing = ask(ctx, l, adminv1connect.AdminServiceClient.Moves, &adminv1.MovesRequest{Limit: topReceipts}); missing != nil {
			out.Note = "no moves: " + missing.Error()
		}
	}
	if err != nil {
		if hangUp(err) {
			l.turn()
		}
		return nil, err
	}
	return out, nil
}
