package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/ctl/show"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// addWait adds --wait.
func addWait(c *cobra.Command, wait *bool) {
	c.Flags().BoolVar(wait, "wait", false, "until it is done, for --timeout at most, and print the receipts")
}

// parseShard reads the number of a shard. Which there are the cluster knows.
func parseShard(text string) (uint32, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("SHARD: %q, must be a number of a shard, from 0", text)
	}
	return uint32(n), nil
}

func moveCommand(d *desk) *cobra.Command {
	var wait bool
	req := new(adminv1.MoveRequest)
	c := &cobra.Command{
		Use:   "move SHARD NODE",
		Short: "Move a shard to another node",
		Long: `Move a shard to another node, without a pause that anybody would notice. It stays
there until the load says otherwise; to keep it there, pin it.`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if req.Shard, err = parseShard(args[0]); err != nil {
				return exit.Unstarted(err)
			}
			req.Node = args[1]
			return d.run(c, wait, func(ctx context.Context, l *line) (proto.Message, *errand, error) {
				m, err := ask(ctx, l, adminv1connect.AdminServiceClient.Move, req)
				return m, moveErrand(m), err
			}, func(w io.Writer, m proto.Message) { printMove(w, m.(*adminv1.MoveResponse)) })
		},
	}
	addWait(c, &wait)
	return c
}

func printMove(w io.Writer, m *adminv1.MoveResponse) {
	switch m.GetFrom() {
	case m.GetTo():
		fmt.Fprintf(w, "shard %d is with %s already\n", m.GetShard(), m.GetTo())
	case "":
		fmt.Fprintf(w, "shard %d, which nobody owns, is to go to %s\n", m.GetShard(), m.GetTo())
	default:
		fmt.Fprintf(w, "shard %d is to move from %s to %s\n", m.GetShard(), m.GetFrom(), m.GetTo())
	}
}

func moveErrand(m *adminv1.MoveResponse) *errand {
	if m == nil || m.GetFrom() == m.GetTo() {
		return nil
	}
	wished := false // the node that is asked has heard of the wish
	e := &errand{
		doing: fmt.Sprintf("move shard %d to %s", m.GetShard(), m.GetTo()), total: 1,
		look: func(s *state) (int, bool, error) {
			row := s.shard(m.GetShard())
			switch {
			case row.GetOwner().GetNode() == m.GetTo():
				return 1, true, nil
			case row.GetAssigned() == m.GetTo():
				wished = true
			case wished:
				return 0, false, exit.With(exit.Refused, fmt.Errorf("it is to go to %s now: somebody else, or the planner, has decided so", show.Dash(row.GetAssigned())))
			}
			return 0, false, nil
		},
		left: func(s *state) string {
			row := s.shard(m.GetShard())
			return fmt.Sprintf("it is still with %s", nobody(row.GetOwner().GetNode()))
		},
		mine: func(r *clusterv1.MoveReceipt) bool { return r.GetShard() == m.GetShard() },
	}
	if m.GetFrom() != "" {
		e.moves = 1
	}
	return e
}

func nobody(node string) string {
	if node == "" {
		return "nobody"
	}
	return node
}

func drainCommand(d *desk) *cobra.Command {
	var wait bool
	req := new(adminv1.DrainRequest)
	c := &cobra.Command{
		Use:   "drain NODE",
		Short: "Empty a node, and keep it empty until undrain",
		Long: `Empty a node: all its shards move to the others, and none comes back until undrain,
however often the node is restarted. Clients that are connected to it stay: stop the
node when it is empty, and they go elsewhere.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			req.Node = args[0]
			return d.run(c, wait, func(ctx context.Context, l *line) (proto.Message, *errand, error) {
				m, err := ask(ctx, l, adminv1connect.AdminServiceClient.Drain, req)
				return m, drainErrand(req.GetNode(), m), err
			}, func(w io.Writer, m proto.Message) {
				fmt.Fprintf(w, "%s is drained: %d shards are to leave it\n", req.GetNode(), len(m.(*adminv1.DrainResponse).GetShards()))
			})
		},
	}
	c.Flags().BoolVar(&req.Force, "force", false, "also if the node does not live, or nobody could take its shards")
	addWait(c, &wait)
	return c
}

func drainErrand(node string, m *adminv1.DrainResponse) *errand {
	total := len(m.GetShards())
	if m == nil || total == 0 {
		return nil
	}
	drained := false // the node that is asked has heard of it
	return &errand{
		doing: "drain " + node, total: total, moves: total,
		look: func(s *state) (int, bool, error) {
			row := s.nodes[node] // nil when it has died, and owns nothing
			if row.GetDrained() {
				drained = true
			} else if drained && row != nil {
				return 0, false, exit.With(exit.Refused, errors.New("somebody has undrained it"))
			}
			left := int(row.GetOwned())
			return max(total-left, 0), left == 0, nil
		},
		left: func(s *state) string {
			return fmt.Sprintf("%d of %d shards are still there", s.nodes[node].GetOwned(), total)
		},
		mine: func(r *clusterv1.MoveReceipt) bool { return r.GetFrom() == node },
	}
}

func undrainCommand(d *desk) *cobra.Command {
	req := new(adminv1.UndrainRequest)
	return &cobra.Command{
		Use:   "undrain NODE",
		Short: "Let a node have shards again",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			req.Node = args[0]
			_, err := call(c, d, adminv1connect.AdminServiceClient.Undrain, req, func(w io.Writer, _ *adminv1.UndrainResponse) {
				fmt.Fprintf(w, "%s may have shards again; they come by and by, or now with rebalance\n", req.GetNode())
			})
			return err
		},
	}
}

func pinCommand(d *desk) *cobra.Command {
	req := new(adminv1.PinRequest)
	return &cobra.Command{
		Use:   "pin SHARD NODE",
		Short: "Keep a shard on a node whenever that node can have it",
		Args:  cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if req.Shard, err = parseShard(args[0]); err != nil {
				return exit.Unstarted(err)
			}
			req.Node = args[1]
			_, err = call(c, d, adminv1connect.AdminServiceClient.Pin, req, func(w io.Writer, _ *adminv1.PinResponse) {
				fmt.Fprintf(w, "shard %d is pinned to %s\n", req.GetShard(), req.GetNode())
			})
			return err
		},
	}
}

func unpinCommand(d *desk) *cobra.Command {
	req := new(adminv1.UnpinRequest)
	return &cobra.Command{
		Use:   "unpin SHARD",
		Short: "Let the load decide again where a shard is",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if req.Shard, err = parseShard(args[0]); err != nil {
				return exit.Unstarted(err)
			}
			_, err = call(c, d, adminv1connect.AdminServiceClient.Unpin, req, func(w io.Writer, m *adminv1.UnpinResponse) {
				if m.GetNode() == "" {
					fmt.Fprintf(w, "shard %d was not pinned\n", req.GetShard())
				} else {
					fmt.Fprintf(w, "shard %d is not pinned to %s any more\n", req.GetShard(), m.GetNode())
				}
			})
			return err
		},
	}
}
