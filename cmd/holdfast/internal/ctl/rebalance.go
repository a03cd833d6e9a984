package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/ctl/show"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

func rebalanceCommand(d *desk) *cobra.Command {
	var wait bool
	req := new(adminv1.RebalanceRequest)
	c := &cobra.Command{
		Use:   "rebalance",
		Short: "Even out the load of the nodes",
		Long: `Even out the load of the nodes with as few moves as possible; nothing moves when it
is even enough. With --dry-run it only shows what would move, why, and each node's load
before and after.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("max-concurrent") && req.GetMaxMoving() == 0 {
				return exit.Unstarted(errors.New("--max-concurrent: 0, must be at least 1"))
			}
			return d.run(c, wait && !req.GetDryRun(), func(ctx context.Context, l *line) (proto.Message, *errand, error) {
				m, err := ask(ctx, l, adminv1connect.AdminServiceClient.Rebalance, req)
				return m, rebalanceErrand(m), err
			}, func(w io.Writer, m proto.Message) { printProposal(w, m.(*adminv1.RebalanceResponse), req.GetDryRun()) })
		},
	}
	f := c.Flags()
	f.BoolVar(&req.DryRun, "dry-run", false, "only show what would move")
	f.Uint32Var(&req.MaxMoving, "max-concurrent", 0, "shards that may be moving at a time (default: the planner's usual number)")
	addWait(c, &wait)
	return c
}

func printProposal(w io.Writer, m *adminv1.RebalanceResponse, dry bool) {
	fmt.Fprintln(w, "NODE\tSHARDS\tLOAD\tSHARDS AFTER\tLOAD AFTER")
	for _, n := range m.GetNodes() {
		fmt.Fprintf(w, "%s\t%d\t%s\t%d\t%s\n", n.GetNode(), n.GetShardsBefore(), show.Number(n.GetBefore()), n.GetShardsAfter(), show.Number(n.GetAfter()))
	}
	fmt.Fprintf(w, "\nan even share is %s; the farthest node is off by %s", show.Number(m.GetEven()), show.Share(m.GetSpreadBefore()))
	if len(m.GetMoves()) > 0 {
		fmt.Fprintf(w, ", afterwards by %s", show.Share(m.GetSpreadAfter()))
	}
	fmt.Fprintln(w)
	if len(m.GetHeavy()) > 0 {
		var numbers []string
		for _, s := range m.GetHeavy() {
			numbers = append(numbers, fmt.Sprint(s))
		}
		fmt.Fprintf(w, "heavier than a node's share alone: shard %s\n", strings.Join(numbers, ", "))
	}
	if len(m.GetMoves()) == 0 {
		fmt.Fprintln(w, "nothing moves")
		return
	}
	fmt.Fprintln(w, "\nSHARD\tFROM\tTO\tWEIGHT\tWHY")
	for _, p := range m.GetMoves() {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", p.GetShard(), show.Dash(p.GetFrom()), p.GetTo(), show.Number(p.GetWeight()), p.GetWhy())
	}
	switch {
	case dry && m.GetId() != "":
		fmt.Fprintf(w, "\n%d shards are left to move by rebalance %s, which goes on\n", len(m.GetMoves()), m.GetId())
	case dry:
		fmt.Fprintf(w, "\n%d shards would move\n", len(m.GetMoves()))
	default:
		fmt.Fprintf(w, "\n%d shards are to move: rebalance %s\n", len(m.GetMoves()), m.GetId())
	}
}

func rebalanceErrand(m *adminv1.RebalanceResponse) *errand {
	if m == nil || m.GetId() == "" || len(m.GetMoves()) == 0 {
		return nil
	}
	e := &errand{doing: "rebalance", total: len(m.GetMoves())}
	planned := make(map[uint32]string)
	for _, p := range m.GetMoves() {
		planned[p.GetShard()] = p.GetTo()
		if p.GetFrom() != "" {
			e.moves++
		}
	}
	of := func(s *state) *clusterv1.Rebalance {
		if r := s.moves.GetRebalancing(); r.GetId() == m.GetId() {
			return r
		}
		return nil
	}
	begun := false // the node that is asked has heard of it
	e.look = func(s *state) (int, bool, error) {
		r := of(s)
		switch {
		case r != nil:
			begun = true
		case begun:
			return 0, false, exit.With(exit.Refused, errors.New("another rebalancing has taken its place"))
		default:
			return 0, false, nil
		}
		done, dropped := progressOf(r)
		// A plan that goes on may have had moves behind it when it was joined.
		before := max(len(r.GetMoves())-e.total, 0)
		if r.GetFinished() == nil {
			return max(done+dropped-before, 0), false, nil
		}
		if dropped > 0 {
			return e.total, false, fmt.Errorf("%d of %d moves were dropped: %s", dropped, len(r.GetMoves()), notes(r))
		}
		return e.total, true, nil
	}
	e.left = func(s *state) string {
		r := of(s)
		done, dropped := progressOf(r)
		return fmt.Sprintf("%d of %d moves are left", len(r.GetMoves())-done-dropped, len(r.GetMoves()))
	}
	e.mine = func(r *clusterv1.MoveReceipt) bool {
		to, ok := planned[r.GetShard()]
		return ok && to == r.GetTo()
	}
	return e
}

// notes says why moves were dropped, each reason once.
func notes(r *clusterv1.Rebalance) string {
	var out []string
	for _, m := range r.GetMoves() {
		if m.GetState() == clusterv1.MoveState_MOVE_STATE_DROPPED && !slices.Contains(out, m.GetNote()) {
			out = append(out, m.GetNote())
		}
	}
	return strings.Join(out, "; ")
}
