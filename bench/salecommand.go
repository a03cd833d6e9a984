package bench

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/bench/chaos/history"
	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/bench/launch"
)

// saleFlags are what `bench sale` is told that SaleConfig has in another form.
type saleFlags struct {
	SaleConfig
	seconds, repeat, reads float64
	history, runFile       string // paths
	json                   bool
}

func saleCommand() *cobra.Command {
	var f saleFlags
	c := &cobra.Command{
		Use:   "sale",
		Short: "Hold a flash sale and compare what was acknowledged with the books",
		Long: `Hold a flash sale and compare what was acknowledged with the books.

Without --url a node of its own is started in another process and a temporary
folder. Closed loop by default: each player sends its next purchase when the last
one was answered. With --rate purchases fall due at that rate, whatever becomes
of the earlier ones, and their latency counts from when they were due.

Ends with 1 when something was oversold, lost or bought twice, or when the books
do not add up.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("seconds") || f.Attempts == 0 && !f.UntilSoldOut {
				f.Duration = time.Duration(f.seconds * float64(time.Second))
			}
			if err := f.Validate(); err != nil {
				return err
			}
			c.SilenceUsage = true
			if !f.json {
				f.Progress = NewProgress(c.ErrOrStderr())
			}
			ctx, stop := launch.Interruptible(c.Context())
			defer stop()
			report, err := f.hold(ctx)
			if report == nil {
				return launch.Interrupted(ctx, err)
			}
			return errors.Join(f.show(c.OutOrStdout(), report), err)
		},
	}
	f.add(c)
	return c
}

func (f *saleFlags) add(c *cobra.Command) {
	launch.Flags{URL: &f.URL, Admin: &f.Admin, AdminToken: &f.AdminToken, Secret: &f.Secret, CA: &f.CA}.Add(c)
	p := c.Flags()
	p.IntVar(&f.Players, "players", 512, "players, each with a connection")
	p.Float64Var(&f.seconds, "seconds", 5, "length of the load; none with --attempts or --until-sold-out unless given")
	p.Int64Var(&f.Attempts, "attempts", 0, "end after so many purchases were tried, over all players")
	p.BoolVar(&f.UntilSoldOut, "until-sold-out", false, "end when everything is sold")
	p.Float64Var(&f.Rate, "rate", 0, "purchases a second in open loop; 0: closed loop")
	p.IntVar(&f.Outstanding, "outstanding", 8, "unanswered purchases of one player at most, in open loop")
	p.IntVar(&f.SKUs, "skus", 1, "products, which players choose from at random")
	p.Int64Var(&f.Stock, "stock", 1_000_000, "units of each product")
	p.IntVar(&f.Slices, "slices", 0, "slices of each product's stock; 0: as the cluster chooses")
	p.Int64Var(&f.Quantity, "quantity", 1, "units of one purchase")
	p.DurationVar(&f.Patience, "patience", 15*time.Second, "wait for the outcome of one purchase at most")
	p.DurationVar(&f.Settle, "settle", 10*time.Second, "wait for the books to settle at most")
	p.Uint64Var(&f.Seed, "seed", 1, "seed of the players' choices")
	p.StringVar(&f.history, "history", "", "folder to record every request and answer in")
	p.Float64Var(&f.repeat, "repeat", 0.01, "share of answered purchases that are sent once more; with --history")
	p.Float64Var(&f.reads, "reads", 100, "reads of wallets a second; with --history")
	p.StringVar(&f.Tape, "record", "", "folder for a tape of it, which holdfast replay plays; without --url")
	p.StringVar(&f.runFile, "report-json", "", "file for all of it second by second, which holdfast report shows")
	p.BoolVar(&f.json, "json", false, "print the report as JSON, and no progress")
}

// hold holds the sale and keeps what is to be kept of it. There is a report of one
// that was held, whatever became of that.
func (f *saleFlags) hold(ctx context.Context) (*SaleReport, error) {
	if f.history != "" {
		h, err := history.Create(f.history)
		if err != nil {
			return nil, err
		}
		f.History, f.Repeat, f.Reads = h, f.repeat, f.reads
	}
	f.Record = f.runFile != ""
	report, err := Sale(ctx, f.SaleConfig)
	if err := errors.Join(err, f.History.Close()); err != nil {
		return nil, err
	}
	if f.Record {
		return report, report.Run.Save(f.runFile)
	}
	return report, nil
}

func (f *saleFlags) show(w io.Writer, r *SaleReport) error {
	if err := figures.Print(w, r, f.json); err != nil {
		return err
	}
	if !r.OK() {
		return ErrChecks
	}
	return nil
}
