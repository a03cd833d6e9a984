package player

import (
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/stock"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// Names of the kind and its methods.
const (
	KindName     = stock.BuyerKind
	MethodAttach = "Attach"
	MethodGet    = "Get"
	MethodBuy    = "Buy"
	MethodGrant  = "Grant"
)

// maxName bounds the names of products and currencies, in bytes: they are kept
// with every order.
const maxName = 64

// Ref names a player's actor.
func Ref(id actors.PlayerID) actors.Ref { return actors.Ref{Kind: KindName, ID: string(id)} }

// Kind returns the kind. cfg must be valid.
func Kind(cfg Config) actors.Kind {
	cfg = cfg.withDefaults()
	start := startWallet(cfg.Start)
	method := func(request func() proto.Message, allow actors.Rule) actors.Method {
		return actors.Method{Request: request, Allow: allow}
	}
	return actors.Kind{
		Name:  KindName,
		New:   func(id string) actors.Behaviour { return newPlayer(&cfg, start, id) },
		Event: func() proto.Message { return new(journalv1.PlayerEvent) },
		State: func() proto.Message { return new(journalv1.PlayerState) },
		Methods: map[string]actors.Method{
			MethodAttach: method(func() proto.Message { return new(clusterv1.Attach) }, actors.Self),
			MethodGet:    method(func() proto.Message { return new(clientv1.GetPlayer) }, actors.Self),
			MethodBuy:    method(func() proto.Message { return new(clientv1.Buy) }, actors.Self),
			MethodGrant:  method(func() proto.Message { return new(clusterv1.Grant) }, actors.Admin),
		},
	}
}
