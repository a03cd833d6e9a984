package ctl

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

func skuPutCommand(d *desk) *cobra.Command {
	p := new(clusterv1.Product)
	req := &adminv1.PutProductRequest{Product: p}
	var start, end string
	c := &cobra.Command{
		Use:   "put SKU",
		Short: "Put a product on offer, or change it",
		Long: `Put a product on offer, or change it: fields that are not given become empty. The
stock is created with the product; give more with restock.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			p.Sku = args[0]
			if p.SaleStart, err = parseTime("sale-start", start); err != nil {
				return exit.Unstarted(err)
			}
			if p.SaleEnd, err = parseTime("sale-end", end); err != nil {
				return exit.Unstarted(err)
			}
			_, err = call(c, d, adminv1connect.AdminServiceClient.PutProduct, req, func(w io.Writer, m *adminv1.PutProductResponse) {
				p := m.GetProduct()
				fmt.Fprintf(w, "%s is on offer for %d %s, in %d slices\n", p.GetSku(), p.GetPrice(), p.GetCurrency(), p.GetSlices())
			})
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&p.Title, "title", "", "name for people")
	f.Int64Var(&p.Price, "price", 0, "of one unit, in the currency's smallest unit")
	f.StringVar(&p.Currency, "currency", "", "currency of the price")
	f.Int64Var(&req.Stock, "stock", 0, "units that the product is created with")
	f.Uint32Var(&p.Slices, "slices", 0, "slices of the stock, for good; 0: as its size suggests")
	f.Int64Var(&p.LimitPerPlayer, "limit-per-player", 0, "units that one player may buy in all; 0: no limit")
	f.Int64Var(&p.LowStock, "low-stock", 0, "at or below this many free units the stock counts as low")
	f.StringVar(&start, "sale-start", "", "on sale from here, such as 2026-11-27T09:00:00Z")
	f.StringVar(&end, "sale-end", "", "on sale until here")
	return c
}

func parseTime(flag, text string) (*timestamppb.Timestamp, error) {
	if text == "" {
		return nil, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, fmt.Errorf("--%s: %q, must be a time such as 2026-11-27T09:00:00Z", flag, text)
	}
	return timestamppb.New(t), nil
}

func restockCommand(d *desk) *cobra.Command {
	req := new(adminv1.RestockRequest)
	c := &cobra.Command{
		Use:   "restock SKU UNITS",
		Short: "Add units to a product",
		Args:  cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) (err error) {
			req.Sku = args[0]
			if req.Quantity, err = parseAmount("UNITS", args[1]); err != nil {
				return exit.Unstarted(err)
			}
			chooseID(c, &req.Id)
			_, err = call(c, d, adminv1connect.AdminServiceClient.Restock, req, func(w io.Writer, _ *adminv1.RestockResponse) {
				fmt.Fprintf(w, "%s has %d units more\n", req.GetSku(), req.GetQuantity())
			})
			return err
		},
	}
	addID(c, &req.Id)
	return c
}

func grantCommand(d *desk) *cobra.Command {
	req := new(adminv1.GrantRequest)
	c := &cobra.Command{
		Use:   "grant PLAYER CURRENCY AMOUNT",
		Short: "Add money to a player's wallet",
		Args:  cobra.ExactArgs(3),
		RunE: func(c *cobra.Command, args []string) (err error) {
			req.Player, req.Currency = args[0], args[1]
			if req.Amount, err = parseAmount("AMOUNT", args[2]); err != nil {
				return exit.Unstarted(err)
			}
			chooseID(c, &req.Id)
			_, err = call(c, d, adminv1connect.AdminServiceClient.Grant, req, func(w io.Writer, m *adminv1.GrantResponse) {
				fmt.Fprintf(w, "%s has %d %s\n", req.GetPlayer(), m.GetBalance(), req.GetCurrency())
			})
			return err
		},
	}
	addID(c, &req.Id)
	return c
}

func parseAmount(name, text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%s: %q, must be a whole number, at least 1", name, text)
	}
	return n, nil
}

func addID(c *cobra.Command, id *string) {
	c.Flags().StringVar(id, "id", "", "name of this change: repeated under the same id it happens once (default: a new one)")
}

// chooseID makes an id when none was given, and says which, so that the command
// can be repeated when its outcome is unknown.
func chooseID(c *cobra.Command, id *string) {
	if *id == "" {
		*id = uuid.NewString()
		fmt.Fprintln(c.ErrOrStderr(), "id", *id)
	}
}
