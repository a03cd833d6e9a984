package ctl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/datadir"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
)

// desk is where an operator turns to, and how they want to be answered.
type desk struct {
	data, admin, tokenFile string
	asJSON                 bool
	timeout                time.Duration
}

// Command returns `ctl`, with its subcommands.
func Command() *cobra.Command {
	var d desk
	c := &cobra.Command{
		Use:   "ctl",
		Short: "Look at a cluster, and change what is for sale",
		Args:  cobra.NoArgs,
	}
	f := c.PersistentFlags()
	f.StringVar(&d.data, "data", "./data", "data folder of a running node, which says where it is")
	f.StringVar(&d.admin, "admin", "", "address of a node's admin listener, instead: host:port or URL")
	f.StringVar(&d.tokenFile, "admin-token-file", "", "file with the admin token, instead of the node's")
	f.BoolVar(&d.asJSON, "json", false, "print JSON")
	f.DurationVar(&d.timeout, "timeout", 30*time.Second, "how long the cluster may take")

	sku := &cobra.Command{Use: "sku", Short: "Products", Args: cobra.NoArgs}
	sku.AddCommand(skuPutCommand(&d))
	c.AddCommand(auditCommand(&d), nodesCommand(&d), shardsCommand(&d), sku, restockCommand(&d), grantCommand(&d))
	return c
}

// call runs one call and prints its result.
func call[Req, Resp any](c *cobra.Command, d *desk,
	method func(adminv1connect.AdminServiceClient, context.Context, *connect.Request[Req]) (*connect.Response[Resp], error),
	request *Req, show func(io.Writer, *Resp),
) (*Resp, error) {
	client, err := d.client()
	if err != nil {
		return nil, exit.Unstarted(err)
	}
	ctx, cancel := context.WithTimeout(c.Context(), d.timeout)
	defer cancel()
	resp, err := method(client, ctx, connect.NewRequest(request))
	if err != nil {
		return nil, err
	}
	if d.asJSON {
		return resp.Msg, printJSON(c.OutOrStdout(), any(resp.Msg).(proto.Message))
	}
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 8, 2, ' ', 0)
	show(w, resp.Msg)
	return resp.Msg, w.Flush()
}

func printJSON(w io.Writer, m proto.Message) error {
	text, err := protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}.Marshal(m)
	if err != nil {
		return fmt.Errorf("print result: %w", err)
	}
	// protojson varies its spaces on purpose; scripts compare texts.
	var steady bytes.Buffer
	if err := json.Indent(&steady, text, "", "  "); err != nil {
		return fmt.Errorf("print result: %w", err)
	}
	_, err = fmt.Fprintln(w, steady.String())
	return err
}

// client returns a client that bears the token.
func (d *desk) client() (adminv1connect.AdminServiceClient, error) {
	address, tokenFile := d.admin, d.tokenFile
	if address == "" || tokenFile == "" {
		n, err := datadir.ReadNodeFile(d.data)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("no node runs in %s: give --data, or --admin and --admin-token-file", d.data)
		}
		if err != nil {
			return nil, err
		}
		if address == "" {
			address = n.Admin
		}
		if tokenFile == "" {
			tokenFile = n.AdminTokenFile
		}
	}
	token, err := datadir.ReadSecret(tokenFile)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	if u, err := url.Parse(address); err != nil || u.Host == "" {
		return nil, fmt.Errorf("--admin: %q, must be host:port or a URL", d.admin)
	}
	return adminv1connect.NewAdminServiceClient(http.DefaultClient, strings.TrimSuffix(address, "/"),
		connect.WithInterceptors(connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
			return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
				req.Header().Set("Authorization", "Bearer "+token)
				return next(ctx, req)
			}
		}))), nil
}
