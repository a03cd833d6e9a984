package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"connectrpc.com/connect"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/player"
	"github.com/holdfast-game/holdfast/cluster"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard"
)

// Service is the AdminService.
type Service struct {
	router  Router
	view    View
	trail   Trail
	letters Letters
	tapes   Tapes
	log     func(ctx context.Context, inc cluster.Incarnation) (shard.LogSize, error)
}

var _ adminv1connect.AdminServiceHandler = (*Service)(nil)

// NewService returns the service without its listener, for the node's own use as
// well.
func NewService(d Deps) (*Service, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	return &Service{router: d.Router, view: d.View, trail: d.Trail, letters: d.Letters, tapes: d.Tapes, log: d.Log}, nil
}

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

// How long etcd and NATS may take to answer, so that an operator hears which of
// them does not.
const (
	etcdPatience = 5 * time.Second
	natsPatience = 10 * time.Second
	// movesPatience is shorter: what asks for moves asks again and again.
	movesPatience = 2 * time.Second
)

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

func notFound(format string, args ...any) error {
	return connect.NewError(connect.CodeNotFound, fmt.Errorf(format, args...))
}

// refused is for what the cluster is in no state to do.
func refused(format string, args ...any) error {
	return connect.NewError(connect.CodeFailedPrecondition, fmt.Errorf(format, args...))
}

// ofCluster gives an error of package cluster its code.
func ofCluster(err error) error {
	for sentinel, code := range map[error]connect.Code{
		cluster.ErrInvalidProduct: connect.CodeInvalidArgument,
		cluster.ErrInvalidZone:    connect.CodeInvalidArgument,
		cluster.ErrNoZone:         connect.CodeNotFound,
		cluster.ErrUnavailable:    connect.CodeUnavailable,
		cluster.ErrNoShard:        connect.CodeNotFound,
		cluster.ErrNoNode:         connect.CodeNotFound,
		cluster.ErrNotShardNode:   connect.CodeFailedPrecondition,
		cluster.ErrDrained:        connect.CodeFailedPrecondition,
		cluster.ErrPinned:         connect.CodeFailedPrecondition,
	} {
		if errors.Is(err, sentinel) {
			return connect.NewError(code, err)
		}
	}
	return err
}

// ofStream gives an error of a JetStream stream its code. Whether the call took
// effect is unknown when NATS has not answered.
func ofStream(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, shard.ErrNoLetter):
		return connect.NewError(connect.CodeNotFound, err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout), errors.Is(err, nats.ErrNoResponders),
		errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrDisconnected), errors.Is(err, jetstream.ErrNoStreamResponse):
		return connect.NewError(connect.CodeUnavailable, fmt.Errorf("NATS: %w", err))
	default:
		return err
	}
}
