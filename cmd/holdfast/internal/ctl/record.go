package ctl

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/ctl/show"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
)

func recordCommand(d *desk) *cobra.Command {
	c := &cobra.Command{
		Use:   "record",
		Short: "Record what a node's clients send and are sent",
		Long: `Record what a node's clients send and are sent, onto tapes in a folder of that node:
the one that serve --record names, or tapes in its data folder. It is the node of
--data or --admin, and no other. Tokens and what is said are never recorded, and
players are named by keyed hashes unless the node was told --record-players.`,
		Args: cobra.NoArgs,
	}
	c.AddCommand(
		&cobra.Command{
			Use: "start", Short: "Begin to record", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				_, err := call(c, d, adminv1connect.AdminServiceClient.StartRecording, new(adminv1.StartRecordingRequest),
					func(w io.Writer, m *adminv1.StartRecordingResponse) { printRecording(w, m.GetRecording()) })
				return err
			},
		},
		&cobra.Command{
			Use: "stop", Short: "End the recording, with a whole tape", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				_, err := call(c, d, adminv1connect.AdminServiceClient.StopRecording, new(adminv1.StopRecordingRequest),
					func(w io.Writer, m *adminv1.StopRecordingResponse) { printRecording(w, m.GetRecording()) })
				return err
			},
		},
		&cobra.Command{
			Use: "status", Short: "How the recording gets on, or how the last one went", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				_, err := call(c, d, adminv1connect.AdminServiceClient.RecordingStatus, new(adminv1.RecordingStatusRequest),
					func(w io.Writer, m *adminv1.RecordingStatusResponse) { printRecording(w, m.GetRecording()) })
				return err
			},
		},
	)
	return c
}

func printRecording(w io.Writer, r *adminv1.Recording) {
	if r.GetStarted() == nil {
		fmt.Fprintln(w, "nothing was recorded since the node was started")
		return
	}
	state, players := "ended", "hashed"
	if r.GetOn() {
		state = "recording"
	}
	if r.GetPlayers() {
		players = "named"
	}
	fmt.Fprintln(w, "STATE\tSTARTED\tRECORDS\tDROPPED\tBYTES\tTAPES\tPLAYERS\tLATEST TAPE")
	fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%d\t%s\t%s\n", state, show.Time(r.GetStarted()), r.GetRecords(), r.GetDropped(),
		show.Bytes(r.GetBytes()), r.GetFiles(), players, r.GetFile())
	if r.GetError() != "" {
		fmt.Fprintf(w, "\nit has ended by itself: %s\n", r.GetError())
	}
}
