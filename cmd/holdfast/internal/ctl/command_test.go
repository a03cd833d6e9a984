package ctl

import (
	"bytes"
	"context"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
)

// node answers as a node's admin listener would.
type node struct {
	adminv1connect.UnimplementedAdminServiceHandler
	conserved bool
	bearers   []string
	restocks  []*adminv1.RestockRequest
}

func (n *node) Audit(_ context.Context, req *connect.Request[adminv1.AuditRequest]) (*connect.Response[adminv1.AuditResponse], error) {
	n.bearers = append(n.bearers, req.Header().Get("Authorization"))
	return connect.NewResponse(&adminv1.AuditResponse{
		Conserved: n.conserved, Shards: 64, Accounts: map[string]int64{"stock/sword/free": 7},
		Stock: []*adminv1.StockBooks{{Sku: "sword", Initial: 7, Free: 7, Conserved: n.conserved}},
	}), nil
}

func (n *node) Restock(_ context.Context, req *connect.Request[adminv1.RestockRequest]) (*connect.Response[adminv1.RestockResponse], error) {
	n.restocks = append(n.restocks, req.Msg)
	return connect.NewResponse(&adminv1.RestockResponse{}), nil
}

// serve runs n and returns the data folder that tells where.
func serve(t *testing.T, n adminv1connect.AdminServiceHandler) string {
	t.Helper()
	_, handler := adminv1connect.NewAdminServiceHandler(n)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return dataFolder(t, server.Listener.Addr().String())
}

// ctl runs the command in this process.
func ctl(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	c := Command()
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(&errs)
	err = c.ExecuteContext(t.Context())
	return out.String(), errs.String(), err
}

func TestAuditPrintsTheBooks(t *testing.T) {
	n := &node{conserved: true}
	data := serve(t, n)
	out, _, err := ctl(t, "audit", "--data", data)
	if err != nil || !strings.Contains(out, "sword") || !strings.Contains(out, "conserved: yes") || strings.Contains(out, "stock/sword") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, _, err = ctl(t, "audit", "--accounts", "--data", data); err != nil || !strings.Contains(out, "stock/sword/free") {
		t.Errorf("with accounts: %v\n%s", err, out)
	}
	if len(n.bearers) == 0 || n.bearers[0] != "Bearer sesame" {
		t.Errorf("bearers %q", n.bearers)
	}
}

func TestAuditFailsWhenTheBooksDo(t *testing.T) {
	data := serve(t, new(node))
	for _, args := range [][]string{nil, {"--json"}} {
		out, _, err := ctl(t, append([]string{"audit", "--data", data}, args...)...)
		if exit.Status(err) != exit.Failed || out == "" {
			t.Errorf("%q: status %d (%v), want the books and %d:\n%s", args, exit.Status(err), err, exit.Failed, out)
		}
	}
}

func TestJSONIsSteady(t *testing.T) {
	data := serve(t, &node{conserved: true})
	first, _, err := ctl(t, "audit", "--json", "--data", data)
	if err != nil || !strings.Contains(first, `"initial": "7"`) || !strings.Contains(first, `"held": "0"`) {
		t.Errorf("%v\n%s", err, first)
	}
	if again, _, err := ctl(t, "audit", "--json", "--data", data); err != nil || again != first {
		t.Errorf("%v\n%s\nwas\n%s", err, again, first)
	}
}

func TestChangesHaveAnID(t *testing.T) {
	n := new(node)
	data := serve(t, n)
	_, said, err := ctl(t, "restock", "sword", "5", "--data", data)
	if err != nil || len(n.restocks) != 1 || n.restocks[0].GetId() == "" || !strings.Contains(said, n.restocks[0].GetId()) {
		t.Errorf("%v: asked %v, said %q", err, n.restocks, said)
	}
	if _, _, err := ctl(t, "restock", "sword", "5", "--id=x", "--data", data); err != nil || n.restocks[1].GetId() != "x" {
		t.Errorf("%v: asked %v", err, n.restocks)
	}
}

func TestWhatCannotBeAsked(t *testing.T) {
	data := serve(t, new(node))
	token := filepath.Join(data, "t")
	for name, tc := range map[string]struct {
		args   []string
		status int
		want   string
	}{
		"no node":      {[]string{"nodes", "--data", t.TempDir()}, exit.Unusable, "no node runs"},
		"no token":     {[]string{"nodes", "--data", data, "--admin-token-file=/does/not/exist"}, exit.Unusable, "/does/not/exist"},
		"no address":   {[]string{"nodes", "--admin=http://", "--admin-token-file", token}, exit.Unusable, "--admin"},
		"no units":     {[]string{"restock", "sword", "0", "--data", data}, exit.Unusable, "UNITS"},
		"no time":      {[]string{"sku", "put", "sword", "--sale-end=sunday", "--data", data}, exit.Unusable, "--sale-end"},
		"not answered": {[]string{"nodes", "--data", data}, exit.Failed, "unimplemented"},
	} {
		_, _, err := ctl(t, tc.args...)
		if exit.Status(err) != tc.status || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: status %d (%v), want %d and %q", name, exit.Status(err), err, tc.status, tc.want)
		}
	}
}
