package bench

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// ErrChecks: the sale was held, and a check of its books does not hold.
var ErrChecks = errors.New("the books do not agree with what was acknowledged")

const (
	demoPlayers = 512
	// demoUnits take a few seconds to sell, on a small machine too.
	demoUnits = 100_000
)

// Demo holds a short flash sale on a node of its own, until everything is sold,
// and prints to w how it went. It returns ErrChecks when a check does not hold.
func Demo(ctx context.Context, w io.Writer) error {
	fmt.Fprintf(w, "Holdfast: a flash sale of %s units to %d players over WebSocket.\n", figures.Thousands(demoUnits), demoPlayers)
	report, err := Sale(ctx, SaleConfig{
		Players: demoPlayers, Stock: demoUnits, UntilSoldOut: true, Progress: NewProgress(w),
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(w)
	if err := report.WriteText(w); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	if !report.OK() {
		return ErrChecks
	}
	if report.Purchases != demoUnits || report.Left != 0 {
		return fmt.Errorf("%w: %d of %d units sold, %d left", ErrChecks, report.Purchases, demoUnits, report.Left)
	}
	fmt.Fprintf(w, "✓ all %s units sold, not one more\n", figures.Thousands(demoUnits))
	return nil
}
