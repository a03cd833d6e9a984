package play

import (
	"context"
	"errors"
	"testing"

	"connectrpc.com/connect"

	"github.com/holdfast-game/holdfast/cluster"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
)

func TestZoneIsOne(t *testing.T) {
	spec, err := cluster.FillZone(Zone())
	if err != nil {
		t.Fatal(err)
	}
	if spec.GetBots() == 0 || spec.GetZone().GetCell() != 0 {
		t.Errorf("got %v, want bots and one cell", spec)
	}
}

type operator struct {
	asked *adminv1.GrantRequest
	err   error
}

func (o *operator) Grant(_ context.Context, r *connect.Request[adminv1.GrantRequest]) (*connect.Response[adminv1.GrantResponse], error) {
	o.asked = r.Msg
	return connect.NewResponse(&adminv1.GrantResponse{}), o.err
}

func TestPurse(t *testing.T) {
	o := &operator{}
	if err := Purse(o)(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	p := Product()
	if o.asked.GetPlayer() != "ann" || o.asked.GetId() == "" || o.asked.GetCurrency() != p.GetCurrency() || o.asked.GetAmount() < p.GetPrice() {
		t.Errorf("asked for %v, want what buys a %v", o.asked, p)
	}
	o.err = errors.New("no")
	if err := Purse(o)(t.Context(), "ann"); !errors.Is(err, o.err) {
		t.Errorf("got %v, want the operator's error", err)
	}
}
