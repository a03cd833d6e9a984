package ctl

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/ctl/show"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
)

func ownersCommand(d *desk) *cobra.Command {
	req := new(adminv1.OwnersRequest)
	var at string
	c := &cobra.Command{
		Use:   "owners SHARD",
		Short: "Who has owned a shard, the latest first, or who did at one moment",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if req.Shard, err = parseShard(args[0]); err != nil {
				return exit.Unstarted(err)
			}
			if req.At, err = parseMoment(at, time.Now()); err != nil {
				return exit.Unstarted(err)
			}
			if req.GetLimit() == 0 {
				return exit.Unstarted(errors.New("--limit: 0, must be at least 1"))
			}
			m, err := call(c, d, adminv1connect.AdminServiceClient.Owners, req, printOwners)
			if err == nil && req.GetAt() != nil && len(m.GetRecords()) == 0 {
				return exit.With(exit.NotFound, fmt.Errorf("what is kept of shard %d does not reach back to %s", req.GetShard(), show.Exact(req.GetAt())))
			}
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&at, "at", "", "who owned it then: a time such as 2026-11-27T18:00:00Z, or how long ago, such as 15m")
	f.Uint32Var(&req.Limit, "limit", 20, "how many records")
	return c
}

// parseMoment reads a time, or how long before now it was.
func parseMoment(text string, now time.Time) (*timestamppb.Timestamp, error) {
	if text == "" {
		return nil, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return timestamppb.New(t), nil
	}
	ago, err := time.ParseDuration(text)
	if err != nil || ago < 0 {
		return nil, fmt.Errorf("--at: %q, must be a time such as 2026-11-27T18:00:00Z, or how long ago, such as 15m", text)
	}
	return timestamppb.New(now.Add(-ago)), nil
}

func printOwners(w io.Writer, m *adminv1.OwnersResponse) {
	fmt.Fprintln(w, "SINCE\tSHARD\tWHAT\tOWNER\tINCARNATION\tEPOCH\tHANDED OVER BY\tREVISION")
	for _, r := range m.GetRecords() {
		o := r.GetOwner()
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%d\t%s\t%d\n", show.Exact(r.GetAt()), r.GetShard(), show.OwnerEvent(r), nobody(o.GetNode()),
			show.Dash(o.GetIncarnation()), o.GetEpoch(), show.Dash(o.GetHandedBy()), r.GetRevision())
	}
}
