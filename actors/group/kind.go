package group

import (
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// Names of the kind and its methods.
const (
	KindName       = "group"
	MethodJoin     = "Join"
	MethodLeave    = "Leave"
	MethodSay      = "Say"
	MethodReadChat = "ReadChat"
	MethodWho      = "Who"
)

// MaxMembers bounds a group: each line goes to all of them.
const MaxMembers = 200

// Ref names a group.
func Ref(name string) actors.Ref { return actors.Ref{Kind: KindName, ID: name} }

// Kind returns the kind.
func Kind() actors.Kind {
	return actors.Kind{
		Name:  KindName,
		New:   func(id string) actors.Behaviour { return &group{ref: Ref(id)} },
		Event: func() proto.Message { return new(journalv1.GroupEvent) },
		State: func() proto.Message { return new(journalv1.GroupState) },
		Methods: map[string]actors.Method{
			MethodJoin:     {Request: func() proto.Message { return new(clusterv1.GroupJoin) }, Allow: player},
			MethodLeave:    {Request: func() proto.Message { return new(clusterv1.GroupLeave) }, Allow: player},
			MethodSay:      {Request: func() proto.Message { return new(clientv1.Say) }, Allow: actors.Anyone},
			MethodReadChat: {Request: func() proto.Message { return new(clientv1.ReadChat) }, Allow: actors.Anyone},
			MethodWho:      {Request: func() proto.Message { return new(clientv1.Who) }, Allow: actors.Anyone},
		},
	}
}

// player lets every player.
func player(c actors.Caller, _ actors.Ref) bool { return c.Player != "" }
