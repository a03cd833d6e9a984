package ctl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
		Short: "Look at a cluster, steer who owns what, change what is for sale and which zones there are",
		Long: `Look at a cluster, steer who owns what, change what is for sale and which zones there
are.

Exit status:
  0  done
  1  what the command found or did is bad: books that are not conserved, moves that
     failed, a replayed command that was refused; or an error of the cluster itself
  2  not started, nothing was done: a wrong flag or argument, no node, a wrong token
  3  refused, nothing was done: the cluster is in no state to do it
  4  not done within --timeout; what was begun goes on
  5  there is no such shard, node, product, zone or letter, or no record of it
  6  the node, etcd or NATS does not answer, or is overloaded; the same command may
     be tried again`,
		Args: cobra.NoArgs,
	}
	f := c.PersistentFlags()
	f.StringVar(&d.data, "data", "./data", "data folder of a running node, which says where it is")
	f.StringVar(&d.admin, "admin", "", "address of a node's admin listener, instead: host:port or URL")
	f.StringVar(&d.tokenFile, "admin-token-file", "", "file with the admin token, instead of the node's")
	f.BoolVar(&d.asJSON, "json", false, "print JSON")
	f.DurationVar(&d.timeout, "timeout", 30*time.Second, "how long the cluster may take, with --wait until all is done")

	sku := &cobra.Command{Use: "sku", Short: "Products", Args: cobra.NoArgs}
	sku.AddCommand(skuPutCommand(&d))
	c.AddCommand(
		nodesCommand(&d), shardsCommand(&d), movesCommand(&d), ownersCommand(&d), topCommand(&d),
		moveCommand(&d), drainCommand(&d), undrainCommand(&d), rebalanceCommand(&d), pinCommand(&d), unpinCommand(&d),
		deadLettersCommand(&d), auditCommand(&d), verifyCommand(&d), recordCommand(&d), sku, restockCommand(&d), grantCommand(&d), zoneCommand(&d),
	)
	return c
}

// call runs one call and prints its result.
func call[Req, Resp any](c *cobra.Command, d *desk, method rpc[Req, Resp], request *Req, show func(io.Writer, *Resp)) (*Resp, error) {
	l, err := d.dial()
	if err != nil {
		return nil, exit.Unstarted(err)
	}
	ctx, cancel := context.WithTimeout(c.Context(), d.timeout)
	defer cancel()
	resp, err := ask(ctx, l, method, request)
	if err != nil {
		return nil, err
	}
	return resp, d.print(c, any(resp).(proto.Message), func(w io.Writer) { show(w, resp) })
}

// print prints a result as a table, or as JSON.
func (d *desk) print(c *cobra.Command, result proto.Message, table func(io.Writer)) error {
	if d.asJSON {
		return printJSON(c.OutOrStdout(), result)
	}
	return printTable(c.OutOrStdout(), table)
}

// printTable has show write cells that end with tabs, and lines them up.
func printTable(out io.Writer, show func(io.Writer)) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	show(w)
	return w.Flush()
}

func printJSON(w io.Writer, m proto.Message) error {
	text, err := steadyJSON(m)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, string(text))
	return err
}

// steadyJSON is a message as JSON, alike each time: protojson varies its spaces
// on purpose, and scripts compare texts.
func steadyJSON(m proto.Message) ([]byte, error) {
	text, err := protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("print result: %w", err)
	}
	var steady bytes.Buffer
	if err := json.Indent(&steady, text, "", "  "); err != nil {
		return nil, fmt.Errorf("print result: %w", err)
	}
	return steady.Bytes(), nil
}

// dial finds out where the node is and what its token is. It connects to
// nothing.
func (d *desk) dial() (*line, error) {
	if d.timeout <= 0 {
		return nil, fmt.Errorf("--timeout: %s, must be positive", d.timeout)
	}
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
	return newLine(strings.TrimSuffix(address, "/"), token), nil
}

// rpc is a method of the AdminService.
type rpc[Req, Resp any] = func(adminv1connect.AdminServiceClient, context.Context, *connect.Request[Req]) (*connect.Response[Resp], error)

// ask makes one call. Its errors have their exit status.
func ask[Req, Resp any](ctx context.Context, l *line, method rpc[Req, Resp], request *Req) (*Resp, error) {
	resp, err := method(l.client(), ctx, connect.NewRequest(request))
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("no answer in time; if it was asked to change something, it may have: %w", err)
	}
	if err != nil {
		return nil, exit.With(statusOf(err), err)
	}
	return resp.Msg, nil
}

// statusOf is the exit status for an error of a call.
func statusOf(err error) int {
	switch codeOf(err) {
	case connect.CodeInvalidArgument, connect.CodeUnauthenticated:
		return exit.Unusable
	case connect.CodeFailedPrecondition, connect.CodeAlreadyExists, connect.CodeAborted:
		return exit.Refused
	case connect.CodeDeadlineExceeded:
		return exit.NotDone
	case connect.CodeNotFound:
		return exit.NotFound
	case connect.CodeUnavailable, connect.CodeResourceExhausted:
		return exit.Unavailable
	default:
		return exit.Failed
	}
}
