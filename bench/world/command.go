package world

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/bench/launch"
)

// ErrChecks: the world was shown, and not everything reached everybody.
var ErrChecks = errors.New("viewers were not sent all that they should have been")

// Commands returns `world`, `idle` and `zones`, and a hidden one that they run.
func Commands() []*cobra.Command {
	return []*cobra.Command{worldCommand(), idleCommand(), zonesCommand(), bareServerCommandOf()}
}

func worldCommand() *cobra.Command {
	var cfg Config
	var seconds float64
	var asJSON bool
	c := &cobra.Command{
		Use:   "world",
		Short: "Show a moving world to many viewers and measure how it reaches them",
		Long: `Show a moving world to many viewers and measure how it reaches them.

Without --url a node of its own is started in another process and a temporary
folder. A zone is made in which entities move, and viewers connect who look on.
The latency of a frame is from when its tick was due until a viewer has read it.
All viewers' bytes are compared with each other, and those of some are decoded.

With --stalled a share of the viewers stops reading, in a second measurement; the
figures are those of the others then. With --baseline a bare WebSocket server
shows the same entities to as many viewers afterwards, as full snapshots.

Ends with 1 when frames were lost, could not be decoded, or viewers were cut off
who did read.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg.Duration = time.Duration(seconds * float64(time.Second))
			if err := cfg.Validate(); err != nil {
				return err
			}
			c.SilenceUsage = true
			cfg.Phase = phases(c.ErrOrStderr(), asJSON)
			r, err := World(c.Context(), cfg)
			if err != nil {
				return err
			}
			return finish(c.OutOrStdout(), r, asJSON, r.OK())
		},
	}
	launch.Flags{URL: &cfg.URL, Admin: &cfg.Admin, AdminToken: &cfg.AdminToken, Secret: &cfg.Secret}.Add(c)
	f := c.Flags()
	f.IntVar(&cfg.Viewers, "viewers", 1000, "viewers, each with a connection")
	f.IntVar(&cfg.Entities, "entities", 200, "entities in the zone")
	f.IntVar(&cfg.Hz, "hz", 20, "ticks a second")
	f.Float64Var(&seconds, "seconds", 10, "length of a measurement")
	f.StringVar(&cfg.Mood, "mood", "crowd", "what the entities do: crowd, brawl or idle")
	f.Float64Var(&cfg.Stalled, "stalled", 0, "share of viewers that stop reading")
	f.BoolVar(&cfg.FindMax, "find-max", false, "look for the largest number of viewers that gets every tick with p99 under 100 ms")
	f.BoolVar(&cfg.Baseline, "baseline", false, "compare with a bare server that broadcasts full snapshots")
	f.BoolVar(&asJSON, "json", false, "print the report as JSON, and no progress")
	return c
}

func idleCommand() *cobra.Command {
	var cfg IdleConfig
	var settle float64
	var asJSON bool
	c := &cobra.Command{
		Use:   "idle",
		Short: "Measure what idle connections cost a node of its own",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg.Settle = time.Duration(settle * float64(time.Second))
			if err := cfg.Validate(); err != nil {
				return err
			}
			c.SilenceUsage = true
			cfg.Phase = phases(c.ErrOrStderr(), asJSON)
			r, err := Idle(c.Context(), cfg)
			if err != nil {
				return err
			}
			return finish(c.OutOrStdout(), r, asJSON, r.Disconnected == 0)
		},
	}
	f := c.Flags()
	f.IntVar(&cfg.Connections, "connections", 10_000, "connections, each of a player of its own")
	f.Float64Var(&settle, "settle", 10, "seconds that the server is left alone before its memory is read")
	f.BoolVar(&cfg.Baseline, "baseline", false, "compare with a bare server")
	f.BoolVar(&asJSON, "json", false, "print the report as JSON, and no progress")
	return c
}

func zonesCommand() *cobra.Command {
	var cfg ZonesConfig
	var seconds float64
	var asJSON bool
	c := &cobra.Command{
		Use:   "zones",
		Short: "Measure what many small zones cost a node of its own",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg.Duration = time.Duration(seconds * float64(time.Second))
			if err := cfg.Validate(); err != nil {
				return err
			}
			c.SilenceUsage = true
			cfg.Phase = phases(c.ErrOrStderr(), asJSON)
			r, err := Zones(c.Context(), cfg)
			if err != nil {
				return err
			}
			return finish(c.OutOrStdout(), r, asJSON, r.OK())
		},
	}
	f := c.Flags()
	f.IntVar(&cfg.Zones, "zones", 1000, "zones")
	f.IntVar(&cfg.Entities, "entities", 10, "entities that walk in each")
	f.IntVar(&cfg.Hz, "hz", 20, "ticks a second")
	f.IntVar(&cfg.Watched, "watched", 20, "zones that have a viewer")
	f.Float64Var(&seconds, "seconds", 10, "length of the measurement")
	f.BoolVar(&asJSON, "json", false, "print the report as JSON, and no progress")
	return c
}

func bareServerCommandOf() *cobra.Command {
	var file string
	var hz int
	c := &cobra.Command{
		Use:    bareServerCommand,
		Short:  "Broadcast full snapshots over WebSocket; prints its address and when it started",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			c.SilenceUsage = true
			return serveBare(c.Context(), c.OutOrStdout(), file, hz)
		},
	}
	c.Flags().StringVar(&file, "trace", "", "file with the snapshots; none: nothing is sent")
	c.Flags().IntVar(&hz, "hz", 20, "snapshots a second")
	return c
}

// phases prints what part of a run begins, unless the output is for programs.
func phases(w io.Writer, asJSON bool) func(string) {
	if asJSON {
		return nil
	}
	return func(name string) { fmt.Fprintln(w, name) }
}

// finish prints a report. Its checks hold or not.
func finish(w io.Writer, report figures.Report, asJSON, ok bool) error {
	if err := figures.Print(w, report, asJSON); err != nil {
		return err
	}
	if !ok {
		return ErrChecks
	}
	return nil
}
