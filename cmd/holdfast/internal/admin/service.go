package admin

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/player"
	"github.com/holdfast-game/holdfast/cluster"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Service is the AdminService.
type Service struct {
	adminv1connect.UnimplementedAdminServiceHandler

	router Router
	view   View
}

// NewService returns the service without its listener, for the node's own use.
func NewService(router Router, view View) *Service { return &Service{router: router, view: view} }

// Grant adds money to a player's wallet.
func (s *Service) Grant(ctx context.Context, req *connect.Request[adminv1.GrantRequest]) (*connect.Response[adminv1.GrantResponse], error) {
	m := req.Msg
	if m.GetPlayer() == "" {
		return nil, invalid("player: must not be empty")
	}
	var granted clusterv1.Granted
	err := s.call(ctx, cluster.ActorID(player.Ref(actors.PlayerID(m.GetPlayer()))), player.MethodGrant,
		&clusterv1.Grant{Id: m.GetId(), Currency: m.GetCurrency(), Amount: m.GetAmount()}, &granted)
	if err != nil {
		return nil, wrap(err, "grant to player %s", m.GetPlayer())
	}
	return connect.NewResponse(&adminv1.GrantResponse{Balance: granted.GetBalance()}), nil
}

// Shards tells who owns what.
func (s *Service) Shards(context.Context, *connect.Request[adminv1.ShardsRequest]) (*connect.Response[adminv1.ShardsResponse], error) {
	routes, wanted := s.view.Routes(), s.view.Assignments()
	out := new(adminv1.ShardsResponse)
	for i := range cluster.ShardID(s.view.Shards()) {
		row := &adminv1.ShardRow{Shard: uint32(i), Assigned: string(wanted.Node(i))}
		if r := routes.Owner(i); r.Owned() {
			row.Owner = &clusterv1.Owner{
				Node: string(r.Node), Incarnation: string(r.Incarnation), Epoch: uint64(r.Epoch), Address: string(r.Address),
			}
		}
		out.Shards = append(out.Shards, row)
	}
	return connect.NewResponse(out), nil
}

// Nodes lists the nodes that live.
func (s *Service) Nodes(context.Context, *connect.Request[adminv1.NodesRequest]) (*connect.Response[adminv1.NodesResponse], error) {
	owned := make(map[cluster.Incarnation]uint32)
	routes := s.view.Routes()
	for i := range cluster.ShardID(s.view.Shards()) {
		if r := routes.Owner(i); r.Owned() {
			owned[r.Incarnation]++
		}
	}
	out := new(adminv1.NodesResponse)
	for _, n := range s.view.Nodes() {
		out.Nodes = append(out.Nodes, &adminv1.NodeRow{Node: n, Owned: owned[cluster.Incarnation(n.GetIncarnation())]})
	}
	return connect.NewResponse(out), nil
}

func invalid(format string, args ...any) error {
	return connect.NewError(connect.CodeInvalidArgument, fmt.Errorf(format, args...))
}

// wrap says what was being done when err came, and keeps err's code, which
// fmt.Errorf would hide from the caller together with the words.
func wrap(err error, format string, args ...any) error {
	code, text := connect.CodeOf(err), err.Error()
	if e := new(connect.Error); errors.As(err, &e) {
		text = e.Message()
	}
	return connect.NewError(code, fmt.Errorf("%s: %s", fmt.Sprintf(format, args...), text))
}

// ofCluster gives an error of package cluster its code.
func ofCluster(err error) error {
	switch {
	case errors.Is(err, cluster.ErrInvalidProduct):
		return connect.NewError(connect.CodeInvalidArgument, err)
	case errors.Is(err, cluster.ErrUnavailable):
		return connect.NewError(connect.CodeUnavailable, err)
	default:
		return err
	}
}
