package delta

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// ErrLossy: what was decoded is not what was encoded.
var ErrLossy = errors.New("a tick was not decoded to what it was")

// Command returns `delta`.
func Command() *cobra.Command {
	var cfg GenerateConfig
	var file, out string
	var asJSON bool
	c := &cobra.Command{
		Use:   "delta",
		Short: "Measure how small and how fast frames of a moving world are",
		Long: `Measure how small and how fast frames of a moving world are.

The world is a trace: a file of lines tick,entity,x,y,heading,hp,state (x and y in
1/100 unit, heading 0 to 255, hp 0 to 1000, state 0 to 7), or one that is made from
a seed. Each tick is encoded as a delta frame, decoded, and compared; beside it
stand the sizes of a protobuf snapshot, of JSON, and of the snapshot compressed by
zstd with the one before it for a dictionary.

Ends with 1 when a tick was not decoded to what it was.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if file == "" {
				if err := cfg.Validate(); err != nil {
					return err
				}
			}
			c.SilenceUsage = true
			t, name, err := obtain(file, cfg)
			if err != nil {
				return err
			}
			if out != "" {
				if err := save(out, t); err != nil {
					return err
				}
			}
			r, err := Measure(t)
			if err != nil {
				return err
			}
			r.Trace = name
			if err := figures.Print(c.OutOrStdout(), r, asJSON); err != nil {
				return err
			}
			if !r.Lossless {
				return ErrLossy
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&file, "trace", "", "file with a trace; none: one is made")
	f.StringVar(&cfg.Kind, "generate", "crowd", "make a trace of this kind: "+strings.Join(Kinds(), ", "))
	f.Uint64Var(&cfg.Seed, "seed", 1, "seed of the trace that is made")
	f.IntVar(&cfg.Ticks, "ticks", 1200, "its length, at 20 ticks a second")
	f.IntVar(&cfg.Entities, "entities", 200, "entities in it")
	f.StringVar(&out, "out", "", "file to write that trace to")
	f.BoolVar(&asJSON, "json", false, "print the report as JSON")
	for _, flag := range []string{"generate", "seed", "ticks", "entities", "out"} {
		c.MarkFlagsMutuallyExclusive("trace", flag)
	}
	return c
}

// obtain reads a trace, or makes one where there is no file.
func obtain(file string, cfg GenerateConfig) (t Trace, name string, err error) {
	if file == "" {
		t, err = Generate(cfg)
		return t, fmt.Sprintf("%s of seed %d", cfg.Kind, cfg.Seed), err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, "", fmt.Errorf("read trace: %w", err)
	}
	defer f.Close()
	t, err = ReadTrace(f)
	return t, file, err
}

func save(file string, t Trace) error {
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("write trace: %w", err)
	}
	return errors.Join(WriteTrace(f, t), f.Close())
}
