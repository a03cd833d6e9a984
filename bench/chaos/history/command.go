package history

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// ErrViolated: the history was judged, and some check does not hold.
var ErrViolated = errors.New("the history is not as it should be")

// CheckCommand returns `check`, which judges a kept folder.
func CheckCommand() *cobra.Command {
	var o Options
	var asJSON bool
	c := &cobra.Command{
		Use:   "check DIR",
		Short: "Judge the history of a run that was kept",
		Long: `Judge the history of a run that was kept.

DIR holds ` + OperationsFile + `, what clients asked and were answered; ` + LogFile + `, what
` + "`holdfast log dump`" + ` printed afterwards; and ` + BooksFile + `, the cluster's accounts.

Ends with 1 when a check does not hold, or could not be decided.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			c.SilenceUsage = true
			r, err := Check(c.Context(), args[0], o)
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(c.OutOrStdout())
				e.SetIndent("", "  ")
				if err := e.Encode(r); err != nil {
					return fmt.Errorf("print report: %w", err)
				}
			} else if err := r.WriteText(c.OutOrStdout()); err != nil {
				return err
			}
			if !r.OK() {
				return ErrViolated
			}
			return nil
		},
	}
	f := c.Flags()
	f.DurationVar(&o.Patience, "patience", 0, "time to search for an order of the operations, for stock and for wallets; 0: 2 min")
	f.BoolVar(&asJSON, "json", false, "print the report as JSON")
	return c
}
