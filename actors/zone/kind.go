package zone

import (
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// Names of the kind and its methods.
const (
	KindName       = "zone"
	MethodOpen     = "Open"
	MethodClose    = "Close"
	MethodEnter    = "Enter"
	MethodLeave    = "Leave"
	MethodStay     = "Stay"
	MethodIntend   = "Intend"
	MethodKey      = "Key"
	MethodWho      = "Who"
	MethodSay      = "Say"
	MethodReadChat = "ReadChat"
)

// Ref names a zone.
func Ref(name string) actors.Ref { return actors.Ref{Kind: KindName, ID: name} }

// Topic is where the frames of one interest cell are shown.
func Topic(name string, cell uint32) string {
	return KindName + "." + name + "." + strconv.FormatUint(uint64(cell), 10)
}

// Kind returns the kind.
func Kind(cfg Config) actors.Kind {
	cfg = cfg.withDefaults()
	method := func(request func() proto.Message, allow actors.Rule) actors.Method {
		return actors.Method{Request: request, Allow: allow}
	}
	return actors.Kind{
		Name:  KindName,
		New:   func(id string) actors.Behaviour { return newZone(&cfg, id) },
		Event: func() proto.Message { return new(journalv1.ZoneEvent) },
		State: func() proto.Message { return new(journalv1.ZoneState) },
		Methods: map[string]actors.Method{
			MethodOpen:     method(func() proto.Message { return new(clusterv1.OpenZone) }, actors.Admin),
			MethodClose:    method(func() proto.Message { return new(clusterv1.CloseZone) }, actors.Admin),
			MethodEnter:    method(func() proto.Message { return new(clusterv1.ZoneEnter) }, player),
			MethodLeave:    method(func() proto.Message { return new(clusterv1.ZoneLeave) }, player),
			MethodStay:     method(func() proto.Message { return new(clusterv1.ZoneStay) }, player),
			MethodIntend:   method(func() proto.Message { return new(clientv1.Intent) }, player),
			MethodKey:      method(func() proto.Message { return new(clusterv1.ZoneKey) }, actors.Anyone),
			MethodWho:      method(func() proto.Message { return new(clientv1.Who) }, actors.Anyone),
			MethodSay:      method(func() proto.Message { return new(clientv1.Say) }, actors.Anyone),
			MethodReadChat: method(func() proto.Message { return new(clientv1.ReadChat) }, actors.Anyone),
		},
	}
}

// player lets every player.
func player(c actors.Caller, _ actors.Ref) bool { return c.Player != "" }
