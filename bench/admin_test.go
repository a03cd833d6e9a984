package bench

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/holdfast-game/holdfast/bench/launch"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
)

// fakeOperator is an admin listener that notes what it was asked.
type fakeOperator struct {
	adminv1connect.UnimplementedAdminServiceHandler
	put     *adminv1.PutProductRequest
	granted *adminv1.GrantRequest
}

func (f *fakeOperator) PutProduct(_ context.Context, r *connect.Request[adminv1.PutProductRequest]) (*connect.Response[adminv1.PutProductResponse], error) {
	f.put = r.Msg
	return connect.NewResponse(&adminv1.PutProductResponse{Product: r.Msg.Product}), nil
}

func (f *fakeOperator) Grant(_ context.Context, r *connect.Request[adminv1.GrantRequest]) (*connect.Response[adminv1.GrantResponse], error) {
	f.granted = r.Msg
	return connect.NewResponse(&adminv1.GrantResponse{Balance: r.Msg.Amount}), nil
}

func (f *fakeOperator) Audit(_ context.Context, r *connect.Request[adminv1.AuditRequest]) (*connect.Response[adminv1.AuditResponse], error) {
	if r.Header().Get("Authorization") != "Bearer a token" {
		return nil, connect.NewError(connect.CodeUnauthenticated, errors.New("no such token"))
	}
	return connect.NewResponse(&adminv1.AuditResponse{
		Accounts: map[string]int64{"stock/sword/sold": 5},
		Rows:     []*adminv1.Row{{Id: r.Msg.RowsPrefix + r.Msg.RowsKind, Accounts: map[string]int64{r.Msg.RowsKind: 1}}},
	}), nil
}

func operate(t *testing.T, token string) (*fakeOperator, *adminClient) {
	t.Helper()
	f := new(fakeOperator)
	mux := http.NewServeMux()
	mux.Handle(adminv1connect.NewAdminServiceHandler(f))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	a := newAdmin(launch.Target{Admin: s.URL, AdminToken: token})
	t.Cleanup(a.close)
	return f, a
}

func TestAdminClient(t *testing.T) {
	f, a := operate(t, "a token")
	if err := a.putProduct(t.Context(), product{sku: "sword", stock: 7}, 3); err != nil {
		t.Fatal(err)
	}
	if p := f.put.GetProduct(); p.GetSku() != "sword" || p.GetSlices() != 3 || p.GetCurrency() != currency || f.put.GetStock() != 7 {
		t.Errorf("got %v, want 7 swords in 3 slices", f.put)
	}
	if err := a.grant(t.Context(), "ann", 9); err != nil {
		t.Fatal(err)
	}
	if f.granted.GetPlayer() != "ann" || f.granted.GetAmount() != 9 || f.granted.GetId() == "" {
		t.Errorf("got %v, want 9 for ann, once", f.granted)
	}
	b, err := a.audit(t.Context(), "run-")
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(b.Players["run-player"], Accounts{"player": 1}) || !maps.Equal(b.Slices["run-stock"], Accounts{"stock": 1}) ||
		b.Total["stock/sword/sold"] != 5 {
		t.Errorf("got %+v, want a row of each kind and the totals", b)
	}
}

func TestAdminClientWithAWrongToken(t *testing.T) {
	_, a := operate(t, "another token")
	if _, err := a.audit(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "no such token") {
		t.Errorf("got %v, want to be refused", err)
	}
}
