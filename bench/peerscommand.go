package bench

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/bench/figures"
)

func peersCommand() *cobra.Command {
	var cfg PeersConfig
	var seconds float64
	var plot string
	var asJSON bool
	c := &cobra.Command{
		Use:   "peers",
		Short: "Compare Holdfast with what one would build without it",
		Long: `Compare Holdfast with what one would build without it: a plain WebSocket gateway
before Redis, etcd or PostgreSQL, and with a bare echo, which is the ceiling of the
machine. The same client makes the same purchases everywhere, in closed loop: the
price is debited, the stock decremented, and the answer remembered under its request
number. After each sale the store's books are compared with what was acknowledged.

All are measured in turn, several times. Each server runs in a process of its own
with a temporary folder and ports of its own. A peer that is not installed is
skipped, with a word on how to install it.

Ends with 1 when some books do not agree.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg.Duration = time.Duration(seconds * float64(time.Second))
			if err := cfg.Validate(); err != nil {
				return err
			}
			c.SilenceUsage = true
			if !asJSON {
				cfg.Progress = NewProgress(c.ErrOrStderr())
			}
			r, err := Peers(c.Context(), cfg)
			if err != nil {
				return err
			}
			if err := figures.Print(c.OutOrStdout(), r, asJSON); err != nil {
				return err
			}
			if plot != "" {
				if err := writeFile(plot, r.WritePlot); err != nil {
					return fmt.Errorf("write plot: %w", err)
				}
			}
			if !r.OK() {
				return ErrChecks
			}
			return nil
		},
	}
	f := c.Flags()
	f.IntSliceVar(&cfg.Connections, "connections", []int{64, 512}, "numbers of connections, each with one request in flight")
	f.IntVar(&cfg.Rounds, "rounds", 5, "how often everything is measured")
	f.Float64Var(&seconds, "seconds", 4, "length of each measurement")
	f.StringSliceVar(&cfg.Only, "only", nil, "measure these only, of "+strings.Join(ContenderNames(), ", "))
	f.StringVar(&plot, "plot", "", "draw the rates into this file, as SVG")
	f.BoolVar(&asJSON, "json", false, "print the report as JSON, and no progress")
	return c
}

func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
