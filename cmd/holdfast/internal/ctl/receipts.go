package ctl

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/ctl/show"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

func movesCommand(d *desk) *cobra.Command {
	req := new(adminv1.MovesRequest)
	c := &cobra.Command{
		Use:   "moves",
		Short: "Receipts of planned moves, the latest first, and what moves now",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if req.GetLimit() == 0 {
				return exit.Unstarted(errors.New("--limit: 0, must be at least 1"))
			}
			_, err := call(c, d, adminv1connect.AdminServiceClient.Moves, req, printMoves)
			return err
		},
	}
	c.Flags().Uint32Var(&req.Limit, "limit", 20, "how many receipts")
	return c
}

func printMoves(w io.Writer, m *adminv1.MovesResponse) {
	printReceipts(w, m.GetReceipts())
	if len(m.GetUnderWay()) > 0 {
		fmt.Fprintln(w, "\nMOVING\tFROM\tTO")
		for _, u := range m.GetUnderWay() {
			fmt.Fprintf(w, "%d\t%s\t%s\n", u.GetShard(), show.Dash(u.GetFrom()), u.GetTo())
		}
	}
	if r := m.GetRebalancing(); r != nil {
		done, dropped := progressOf(r)
		fmt.Fprintf(w, "\nrebalance %s by the %s, begun %s: %d of %d moves done", r.GetId(), r.GetBy(), show.Time(r.GetStarted()), done, len(r.GetMoves()))
		if dropped > 0 {
			fmt.Fprintf(w, ", %d dropped", dropped)
		}
		if r.GetFinished() != nil {
			fmt.Fprintf(w, "; ended %s", show.Time(r.GetFinished()))
		}
		fmt.Fprintln(w)
	}
}

// progressOf counts the moves of a rebalancing that are over.
func progressOf(r *clusterv1.Rebalance) (done, dropped int) {
	for _, m := range r.GetMoves() {
		switch m.GetState() {
		case clusterv1.MoveState_MOVE_STATE_DONE:
			done++
		case clusterv1.MoveState_MOVE_STATE_DROPPED:
			dropped++
		}
	}
	return done, dropped
}

// printReceipts writes a row for each move.
func printReceipts(w io.Writer, receipts []*clusterv1.MoveReceipt) {
	fmt.Fprintln(w, "STARTED\tSHARD\tFROM\tTO\tEPOCH\tOUTCOME\tACTORS\tREAD\tPARKED\tFORWARDED\tREFUSED\tLOST\tSTALL\tTOOK\tHASH\tWHY")
	for _, r := range receipts {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%d\t%s\t%d\t%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\n",
			show.Exact(r.GetStarted()), r.GetShard(), r.GetFrom(), r.GetTo(), r.GetEpoch(), show.Outcome(r), r.GetActors(), show.Bytes(r.GetBytes()),
			r.GetParked(), r.GetForwarded(), r.GetRefused(), r.GetLost(), show.Millis(r.GetStallMs()), show.Millis(r.GetTookMs()), show.Hashes(r), r.GetWhy())
	}
}

// sound says what is wrong with receipts, if anything is: a move must lose nothing
// and must arrive as it left. That a move was tried in vain is not wrong.
func sound(receipts []*clusterv1.MoveReceipt) error {
	for _, r := range receipts {
		switch {
		case r.GetOutcome() != clusterv1.MoveOutcome_MOVE_OUTCOME_MOVED:
		case r.GetHashBefore() != r.GetHashAfter():
			return fmt.Errorf("shard %d has arrived at %s with another state than it left %s with", r.GetShard(), r.GetTo(), r.GetFrom())
		case r.GetLost() != 0:
			return fmt.Errorf("the move of shard %d to %s lost %d commands", r.GetShard(), r.GetTo(), r.GetLost())
		}
	}
	return nil
}
