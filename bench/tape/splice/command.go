package splice

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/bench/launch"
	"github.com/holdfast-game/holdfast/bench/tape"
)

// ErrNotWhole: a tape was verified, and something is wrong with it.
var ErrNotWhole = errors.New("not all is as it should be")

// Command returns `tape`, with its subcommands.
func Command() *cobra.Command {
	c := &cobra.Command{
		Use:   "tape",
		Short: "Look into recordings of gateways, cut and join them, or make some up",
		Long: `Look into recordings of gateways, cut and join them, or make some up.

Tapes are recorded with serve --record, or ctl record start. What is written here is
always a new file. Where a tape is damaged, what stands before the damage is used:
info says where that is, all other commands do so as well and end with 1.`,
		Args: cobra.NoArgs,
	}
	c.AddCommand(infoCommand(), verifyCommand(), cutCommand(), mergeCommand(), filterCommand(), synthCommand())
	return c
}

// eachFile opens tapes one after the other. One that is none does not keep the
// others from being looked at.
func eachFile(files []string, fn func(file string, in *tape.Reader) error) error {
	var errs []error
	for _, file := range files {
		in, err := tape.Open(file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if err := errors.Join(fn(file, in), in.Close()); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", file, err))
		}
	}
	return errors.Join(errs...)
}

func infoCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "info TAPE...",
		Short: "What is on tapes",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			c.SilenceUsage = true
			printed := 0
			return eachFile(args, func(file string, in *tape.Reader) error {
				s, err := Summarise(file, in)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(c.OutOrStdout(), s)
				}
				if printed++; printed > 1 {
					fmt.Fprintln(c.OutOrStdout())
				}
				return s.Print(c.OutOrStdout())
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, one object for each tape")
	return c
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func verifyCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "verify TAPE...",
		Short: "Whether tapes are whole, and hold nothing that must not be kept",
		Long: `Whether tapes are whole, and hold nothing that must not be kept: every checksum,
every record, that connections are open while something happens on them, that no
token and no line of chat is there, and that players are hashed if the tape says so.
Ends with 1 when something is wrong. That records were lost while it was recorded is
told, and not wrong.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			c.SilenceUsage = true
			fine := true
			err := eachFile(args, func(file string, in *tape.Reader) error {
				v, err := Verify(file, in)
				if err != nil {
					return err
				}
				fine = fine && v.OK()
				if asJSON {
					return printJSON(c.OutOrStdout(), v)
				}
				v.Print(c.OutOrStdout())
				return nil
			})
			if !fine {
				err = errors.Join(err, ErrNotWhole)
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, one object for each tape")
	return c
}

// out is the flag that names what is written.
func out(c *cobra.Command, path *string) *cobra.Command {
	c.Flags().StringVarP(path, "out", "o", "", "the new tape")
	if err := c.MarkFlagRequired("out"); err != nil {
		panic(err) // the flag is two lines above
	}
	return c
}

func cutCommand() *cobra.Command {
	var path, from, to string
	c := &cobra.Command{
		Use:   "cut TAPE -o NEW [--from T] [--to T]",
		Short: "Make a tape of what happened between two times",
		Long: `Make a tape of what happened between two times, each given as so long after the
tape's start, such as 90s or 1h5m, or as a time, such as 2026-11-27T09:00:00Z. The
connections that were open when the cut begins are open at its start.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			c.SilenceUsage = true
			return eachFile(args, func(_ string, in *tape.Reader) error {
				begin, err := moment("from", from, in.Info())
				if err != nil {
					return err
				}
				end, err := moment("to", to, in.Info())
				if err != nil {
					return err
				}
				return Cut(in, path, begin, end)
			})
		},
	}
	c.Flags().StringVar(&from, "from", "", "begin here (default: the tape's start)")
	c.Flags().StringVar(&to, "to", "", "end here (default: the tape's end)")
	return out(c, &path)
}

// moment is a time on a tape; 0 when none is given.
func moment(flag, text string, i tape.Info) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return d, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, fmt.Errorf("--%s: %q, must be like 1m30s, or a time such as 2026-11-27T09:00:00Z", flag, text)
	}
	if d := t.Sub(i.Started); d > 0 {
		return d, nil
	}
	return 0, fmt.Errorf("--%s: %s is not after the tape's start, %s", flag, text, i.Started.Format(time.RFC3339))
}

func mergeCommand() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "merge TAPE... -o NEW",
		Short: "Make one tape of several, in the order of their times",
		Long: `Make one tape of several, in the order of their times: the parts of one recording, or
what several nodes have recorded. Those of several nodes have their connections
numbered anew, and their clocks are taken to agree. What stands on two of the tapes,
because one was cut out of the other or was given twice, is refused.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			c.SilenceUsage = true
			ins := make([]*tape.Reader, 0, len(args))
			defer func() {
				for _, in := range ins {
					err = errors.Join(err, in.Close())
				}
			}()
			for _, file := range args {
				in, err := tape.Open(file)
				if err != nil {
					return err
				}
				ins = append(ins, in)
			}
			return Merge(ins, path)
		},
	}
	return out(c, &path)
}

func filterCommand() *cobra.Command {
	var path, keyFile string
	var players []string
	var world bool
	c := &cobra.Command{
		Use:   "filter TAPE -o NEW --player P...",
		Short: "Make a tape of what some players did",
		Long: `Make a tape of what happened on the connections of some players, who are named as the
tape names them: by their hashes, unless it was recorded with --record-players. With
the key of the nodes that recorded it (record.key in a node's data folder), they can
be named by their ids.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var key string
			if err := launch.ReadSecret(keyFile, &key); err != nil {
				return err
			}
			c.SilenceUsage = true
			return eachFile(args, func(_ string, in *tape.Reader) error {
				if key == "" {
					return Filter(in, path, players, world)
				}
				names := tape.NewNames([]byte(key))
				if id := in.Info().KeyID; id != names.KeyID() {
					return fmt.Errorf("--key-file: the tape's players were hashed with another key, %s", id)
				}
				hashed := make([]string, len(players))
				for i, p := range players {
					hashed[i] = names.Of([]byte(p))
				}
				return Filter(in, path, hashed, world)
			})
		},
	}
	f := c.Flags()
	f.StringArrayVar(&players, "player", nil, "a player; can be given more than once")
	f.StringVar(&keyFile, "key-file", "", "file with the key of the hashes; then players are given by their ids")
	f.BoolVar(&world, "world", false, "and all that was shown of the world, to whomever")
	if err := c.MarkFlagRequired("player"); err != nil {
		panic(err) // the flag is a few lines above
	}
	return out(c, &path)
}
