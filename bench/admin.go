package bench

import (
	"context"
	"fmt"

	"connectrpc.com/connect"

	"github.com/holdfast-game/holdfast/bench/launch"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// adminClient is the admin API of a cluster.
type adminClient struct {
	rpc   adminv1connect.AdminServiceClient
	close func()
}

func newAdmin(at launch.Target) *adminClient {
	rpc, release := at.Operator()
	return &adminClient{rpc: rpc, close: release}
}

func (a *adminClient) putProduct(ctx context.Context, p product, slices int) error {
	_, err := a.rpc.PutProduct(ctx, connect.NewRequest(&adminv1.PutProductRequest{
		Product: &clusterv1.Product{
			Sku: p.sku, Title: "bench " + p.sku, Price: price, Currency: currency, Slices: uint32(slices),
		},
		Stock: p.stock,
	}))
	return err
}

func (a *adminClient) grant(ctx context.Context, player string, amount int64) error {
	_, err := a.rpc.Grant(ctx, connect.NewRequest(&adminv1.GrantRequest{
		Player: player, Id: "bench", Currency: currency, Amount: amount,
	}))
	return err
}

// audit asks twice, because one answer has rows of one kind of actor only.
func (a *adminClient) audit(ctx context.Context, prefix string) (*Books, error) {
	b := new(Books)
	for kind, rows := range map[string]*map[string]Accounts{"player": &b.Players, "stock": &b.Slices} {
		r, err := a.rpc.Audit(ctx, connect.NewRequest(&adminv1.AuditRequest{RowsKind: kind, RowsPrefix: prefix}))
		if err != nil {
			return nil, fmt.Errorf("audit %ss: %w", kind, err)
		}
		b.Total = r.Msg.Accounts
		*rows = make(map[string]Accounts, len(r.Msg.Rows))
		for _, row := range r.Msg.Rows {
			(*rows)[row.Id] = row.Accounts
		}
	}
	return b, nil
}
