package ctl

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/ctl/show"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
)

func nodesCommand(d *desk) *cobra.Command {
	return &cobra.Command{
		Use:   "nodes",
		Short: "The nodes that live, their loads, and those that are drained",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := call(c, d, adminv1connect.AdminServiceClient.Nodes, new(adminv1.NodesRequest), printNodes)
			return err
		},
	}
}

func printNodes(w io.Writer, m *adminv1.NodesResponse) {
	fmt.Fprintln(w, "NODE\tSTATE\tROLES\tSHARDS\tCOMMANDS/S\tP50\tP99\tBACKLOG\tLOG\tADDRESS\tADMIN\tVERSION\tSTARTED")
	for _, r := range m.GetNodes() {
		n := r.GetNode()
		name := n.GetName()
		if n.GetIncarnation() != "" && n.GetIncarnation() == m.GetCoordinator() {
			name += " *"
		}
		load, log := "-\t-\t-\t-", "-"
		if l := r.GetLoad(); l != nil {
			load = fmt.Sprintf("%s\t%s\t%s\t%d", show.Number(l.GetCommands()), show.Millis(l.GetP50Ms()), show.Millis(l.GetP99Ms()), l.GetBacklog())
		}
		if r.GetLog() != nil {
			log = show.Bytes(r.GetLog().GetBytes())
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", name, show.NodeState(r), show.Dash(strings.Join(n.GetRoles(), ",")), r.GetOwned(),
			load, log, show.Dash(n.GetAddress()), show.Dash(n.GetAdminAddress()), show.Dash(n.GetVersion()), show.Time(n.GetStarted()))
	}
	if m.GetCoordinator() == "" {
		fmt.Fprintln(w, "\nnobody plans now")
	} else {
		fmt.Fprintln(w, "\n* plans who owns what")
	}
}

func shardsCommand(d *desk) *cobra.Command {
	return &cobra.Command{
		Use:   "shards",
		Short: "Who owns which shard, and what it weighs",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := call(c, d, adminv1connect.AdminServiceClient.Shards, new(adminv1.ShardsRequest), printShards)
			return err
		},
	}
}

func printShards(w io.Writer, m *adminv1.ShardsResponse) {
	fmt.Fprintln(w, "SHARD\tOWNER\tEPOCH\tASSIGNED\tPINNED\tCOMMANDS/S\tACTORS\tBYTES")
	for _, r := range m.GetShards() {
		o, load := r.GetOwner(), "-\t-\t-"
		if l := r.GetLoad(); l != nil {
			load = fmt.Sprintf("%s\t%d\t%s", show.Number(l.GetCommands()), l.GetActors(), show.Bytes(l.GetBytes()))
		}
		fmt.Fprintf(w, "%d\t%s\t%d\t%s\t%s\t%s\n", r.GetShard(), show.Dash(o.GetNode()), o.GetEpoch(),
			show.Dash(r.GetAssigned()), show.Dash(r.GetPinned()), load)
	}
}
