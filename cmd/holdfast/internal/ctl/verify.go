package ctl

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
)

var errNotEqual = errors.New("what is durable does not give what is in memory")

func verifyCommand(d *desk) *cobra.Command {
	return &cobra.Command{
		Use:   "verify [SHARD...]",
		Short: "Have shards prove that checkpoint and log give what is in memory",
		Long: `Have shards prove that checkpoint and log give what is in memory: all of them, or
those that are named. The owner looks at the states of all actors of a shard in one
turn, and then puts them together from the current checkpoint and the log, and from
the previous one, or the first event, and the log: what a recovery would do, while
the shard goes on. Ends with 1 when any actor differs.`,
		RunE: func(c *cobra.Command, args []string) error {
			var req adminv1.VerifyShardsRequest
			for _, a := range args {
				n, err := strconv.ParseUint(a, 10, 32)
				if err != nil {
					return exit.Unstarted(fmt.Errorf("%q is no shard: give its number", a))
				}
				req.Shards = append(req.Shards, uint32(n))
			}
			proofs, err := call(c, d, adminv1connect.AdminServiceClient.VerifyShards, &req, printProofs)
			if err == nil && !proofs.GetEqual() {
				return errNotEqual
			}
			return err
		},
		Args: cobra.ArbitraryArgs,
	}
}

func printProofs(w io.Writer, m *adminv1.VerifyShardsResponse) {
	verdict := map[bool]string{true: "yes", false: "NO"}
	fmt.Fprintln(w, "SHARD\tEPOCH\tACTORS\tSTATE HASH\tFROM\tENTRIES\tEVENTS\tEQUAL\t")
	for _, v := range m.GetShards() {
		p := v.GetProof()
		if len(p.GetReplays()) == 0 {
			fmt.Fprintf(w, "%d\t%d\t%d\t%016x\t-\t-\t-\t%s\t\n", v.GetShard(), p.GetEpoch(), p.GetActors(), p.GetLiveHash(), verdict[p.GetEqual()])
		}
		for _, r := range p.GetReplays() {
			fmt.Fprintf(w, "%d\t%d\t%d\t%016x\t%s\t%d\t%d\t%s\t\n", v.GetShard(), p.GetEpoch(), p.GetActors(), p.GetLiveHash(), r.GetBase(), r.GetEntries(), r.GetEvents(),
				verdict[r.GetHash() == p.GetLiveHash() && r.GetActors() == p.GetActors()])
		}
	}
	for _, v := range m.GetShards() {
		for _, text := range v.GetProof().GetDifferences() {
			fmt.Fprintf(w, "shard %d: %s\n", v.GetShard(), text)
		}
	}
	fmt.Fprintf(w, "equal: %s\n", verdict[m.GetEqual()])
}
