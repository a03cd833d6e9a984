package ctl

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
)

var errNotConserved = errors.New("the books are not conserved")

func auditCommand(d *desk) *cobra.Command {
	var req adminv1.AuditRequest
	var accounts bool
	c := &cobra.Command{
		Use:   "audit",
		Short: "Add up the books of all players and slices, and check the sums",
		Long: `Add up the books of all players and slices, and check the sums. Shards are not
stopped for it: while a sale is on, amounts under way can make the sums disagree.
Ends with 1 when they do.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			books, err := call(c, d, adminv1connect.AdminServiceClient.Audit, &req, func(w io.Writer, m *adminv1.AuditResponse) {
				printBooks(w, m, accounts)
			})
			if err == nil && !books.GetConserved() {
				return errNotConserved
			}
			return err
		},
	}
	f := c.Flags()
	f.BoolVar(&accounts, "accounts", false, "print every account too")
	f.StringVar(&req.RowsKind, "rows-kind", "", "print a row for each actor of this kind, such as player ...")
	f.StringVar(&req.RowsPrefix, "rows-prefix", "", "... whose id begins with this")
	return c
}

func printBooks(w io.Writer, m *adminv1.AuditResponse, accounts bool) {
	verdict := map[bool]string{true: "yes", false: "NO"}
	fmt.Fprintln(w, "SKU\tINITIAL\tRESTOCKED\tFREE\tHELD\tSOLD\tIN TRANSIT\tGRANTED\tUNCONFIRMED\tCONSERVED")
	for _, b := range m.GetStock() {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n", b.GetSku(), b.GetInitial(), b.GetRestocked(), b.GetFree(),
			b.GetHeld(), b.GetSold(), b.GetInTransit(), b.GetGranted(), b.GetUnconfirmed(), verdict[b.GetConserved()])
	}
	fmt.Fprintln(w, "\nCURRENCY\tSPENT\tPRICED\tCONSERVED")
	for _, b := range m.GetMoney() {
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\n", b.GetCurrency(), b.GetSpent(), b.GetPriced(), verdict[b.GetConserved()])
	}
	if accounts {
		fmt.Fprintln(w, "\nACCOUNT\tSUM")
		printAccounts(w, "", m.GetAccounts())
	}
	if len(m.GetRows()) > 0 {
		fmt.Fprintln(w, "\nID\tACCOUNT\tAMOUNT")
	}
	for _, r := range m.GetRows() {
		printAccounts(w, r.GetId()+"\t", r.GetAccounts())
	}
	fmt.Fprintf(w, "\n%d actors in %d shards; conserved: %s; settled: %s\n",
		m.GetActors(), m.GetShards(), verdict[m.GetConserved()], verdict[m.GetSettled()])
}

func printAccounts(w io.Writer, before string, accounts map[string]int64) {
	for _, name := range slices.Sorted(maps.Keys(accounts)) {
		fmt.Fprintf(w, "%s%s\t%d\n", before, name, accounts[name])
	}
}
