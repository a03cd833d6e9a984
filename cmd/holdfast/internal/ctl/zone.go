package ctl

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/ctl/show"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

func zoneCommand(d *desk) *cobra.Command {
	c := &cobra.Command{Use: "zone", Short: "Zones: pieces of the world that players walk in", Args: cobra.NoArgs}
	c.AddCommand(putZoneCommand(d), listZonesCommand(d), removeZoneCommand(d))
	return c
}

func putZoneCommand(d *desk) *cobra.Command {
	z := new(clientv1.Zone)
	spec := &clusterv1.ZoneSpec{Zone: z}
	var mood string
	c := &cobra.Command{
		Use:   "put NAME",
		Short: "Make a zone, or change it",
		Long: `Make a zone, or change it: what is not given becomes as it is in a new zone. Who is in
it stays in it.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			z.Name = args[0]
			if spec.Mood, err = parseMood(mood); err != nil {
				return exit.Unstarted(err)
			}
			req := &adminv1.PutZoneRequest{Spec: spec}
			_, err = call(c, d, adminv1connect.AdminServiceClient.PutZone, req, func(w io.Writer, m *adminv1.PutZoneResponse) {
				z := m.GetSpec().GetZone()
				fmt.Fprintf(w, "%s is open: %s units, %d ticks a second, for %d players\n", z.GetName(), show.Size(z), z.GetHz(), z.GetMaxPlayers())
			})
			return err
		},
	}
	f := c.Flags()
	f.Uint32Var(&z.Width, "width", 100, "in units")
	f.Uint32Var(&z.Height, "height", 100, "in units")
	f.Uint32Var(&z.Cell, "cell", 0, "side of an interest cell, in units: players see their own cell and those around it; 0: all of the zone")
	f.Uint32Var(&z.Hz, "hz", 20, "ticks a second, at most 60")
	f.Float64Var(&z.MaxSpeed, "max-speed", 6, "of players and bots, in units a second")
	f.Uint32Var(&z.MaxPlayers, "max-players", 0, "players at a time; 0: 1,000, or as many as the bots leave room for")
	f.Uint32Var(&spec.Bots, "bots", 0, "entities that the zone moves by itself")
	f.StringVar(&mood, "mood", "wander", "what bots do: "+strings.Join(moods(), ", "))
	return c
}

// moods are the words for what bots may do.
func moods() (words []string) {
	for i := range int32(len(clusterv1.BotMood_name)) {
		if m := clusterv1.BotMood(i); m != clusterv1.BotMood_BOT_MOOD_UNSPECIFIED {
			words = append(words, show.Mood(m))
		}
	}
	return words
}

func parseMood(text string) (clusterv1.BotMood, error) {
	m := clusterv1.BotMood(clusterv1.BotMood_value["BOT_MOOD_"+strings.ToUpper(text)])
	if m == clusterv1.BotMood_BOT_MOOD_UNSPECIFIED {
		return 0, fmt.Errorf("--mood: %q, must be one of %s", text, strings.Join(moods(), ", "))
	}
	return m, nil
}

func listZonesCommand(d *desk) *cobra.Command {
	req := new(adminv1.ListZonesRequest)
	c := &cobra.Command{
		Use:   "list",
		Short: "The zones there are, who runs them, and how many players are in them",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := call(c, d, adminv1connect.AdminServiceClient.ListZones, req, printZones)
			return err
		},
	}
	c.Flags().StringVar(&req.Prefix, "prefix", "", "only zones whose name begins with this")
	return c
}

func printZones(w io.Writer, m *adminv1.ListZonesResponse) {
	fmt.Fprintln(w, "ZONE\tSIZE\tCELL\tHZ\tSPEED\tPLAYERS\tMAX\tBOTS\tMOOD\tSHARD\tNODE")
	for _, r := range m.GetZones() {
		z, cell, players := r.GetSpec().GetZone(), "-", "-"
		if z.GetCell() != 0 {
			cell = fmt.Sprint(z.GetCell())
		}
		if r.Players != nil {
			players = fmt.Sprint(r.GetPlayers())
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%g\t%s\t%d\t%d\t%s\t%d\t%s\n", z.GetName(), show.Size(z), cell, z.GetHz(), z.GetMaxSpeed(),
			players, z.GetMaxPlayers(), r.GetSpec().GetBots(), show.Mood(r.GetSpec().GetMood()), r.GetShard(), show.Dash(r.GetNode()))
	}
}

func removeZoneCommand(d *desk) *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Close a zone: everybody in it leaves",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			req := &adminv1.DeleteZoneRequest{Name: args[0]}
			_, err := call(c, d, adminv1connect.AdminServiceClient.DeleteZone, req, func(w io.Writer, _ *adminv1.DeleteZoneResponse) {
				fmt.Fprintf(w, "%s is closed\n", req.GetName())
			})
			return err
		},
	}
}
