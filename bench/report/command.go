package report

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// Command returns `report`.
func Command() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "report A.json [B.json]",
		Short: "Make a page of what was measured in one run, or in two side by side",
		Long: `Make a page of what was measured in one run, or in two side by side.

The files are those of bench sale --report-json and of replay. The page is one
HTML file that needs no network: it can be opened, sent and printed as it is.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			c.SilenceUsage = true
			var runs []*Run
			for _, file := range args {
				r, err := Load(file)
				if err != nil {
					return err
				}
				runs = append(runs, r)
			}
			if err := SavePage(out, runs...); err != nil {
				return err
			}
			_, err := fmt.Fprintln(c.OutOrStdout(), out)
			return err
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "report.html", "file for the page")
	return c
}

// SavePage writes the page of one run or two to a file, in place of what was
// there.
func SavePage(file string, runs ...*Run) error {
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return errors.Join(WritePage(f, runs...), f.Close())
}
