package splice

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/bench/tape"
	"github.com/holdfast-game/holdfast/bench/tape/synth"
)

func synthCommand() *cobra.Command {
	var path, file string
	var players int
	var duration time.Duration
	var seed uint64
	var show bool
	c := &cobra.Command{
		Use:   "synth [PROFILE] -o NEW",
		Short: "Make a tape up",
		Long: `Make a tape up: what crowds of players would send, in a profile that is built in
(` + strings.Join(synth.Profiles(), ", ") + `), or in a YAML file like those, which --show prints. The
same profile and seed make the same tape.

With --players and --duration the crowds keep their shares, and what happens when its
place; how long players think and stay remains as it is.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			switch given := c.Flags().Changed; {
			case given("players") && players <= 0:
				return fmt.Errorf("--players: %d, must be positive", players)
			case given("duration") && duration <= 0:
				return fmt.Errorf("--duration: %v, must be positive", duration)
			}
			text, err := specText(args, file)
			if err != nil {
				return err
			}
			if show {
				_, err := c.OutOrStdout().Write(text)
				return err
			}
			if path == "" {
				return errors.New("give --out, the new tape, or --show")
			}
			spec, err := synth.Parse(text)
			if err != nil {
				return err
			}
			c.SilenceUsage = true
			if c.Flags().Changed("seed") {
				spec.Seed = seed
			}
			spec.Scale(players, duration)
			return write(path, spec.Header(), func(w *tape.Writer) error { return synth.Synthesise(spec, w) })
		},
	}
	f := c.Flags()
	f.StringVarP(&path, "out", "o", "", "the new tape")
	f.StringVar(&file, "spec", "", "YAML file with a profile of your own")
	f.IntVar(&players, "players", 0, "players in all (default: as in the profile)")
	f.DurationVar(&duration, "duration", 0, "length of the tape (default: as in the profile)")
	f.Uint64Var(&seed, "seed", 0, "another seed than the profile's")
	f.BoolVar(&show, "show", false, "print the profile, and make nothing")
	return c
}

// specText is the spec that was asked for, as it is written.
func specText(profile []string, file string) ([]byte, error) {
	switch {
	case len(profile) == 1 && file != "":
		return nil, errors.New("give a profile or --spec, not both")
	case len(profile) == 1:
		return synth.Profile(profile[0])
	case file == "":
		return nil, fmt.Errorf("which profile? There are %s, or --spec with a file", strings.Join(synth.Profiles(), ", "))
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read spec: %w", err)
	}
	return text, nil
}
