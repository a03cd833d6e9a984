package gateway

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// method is a kind of request that an actor answers.
type method struct {
	name  string // as in metrics and spans
	reply *replyBody
}

var (
	methodGetPlayer = &method{name: "get_player", reply: newReplyBody("player")}
	methodBuy       = &method{name: "buy", reply: newReplyBody("bought")}
	methodCall      = &method{name: "call", reply: &replyBody{field: bodyField("result"), wrapped: resultPayload}}
	methodEnter     = &method{name: "enter_zone", reply: newReplyBody("entered")}
	methodLeave     = &method{name: "leave_zone", reply: newReplyBody("left_zone")}
	methodIntend    = &method{name: "intent", reply: newReplyBody("intended")}
	methodWho       = &method{name: "who", reply: newReplyBody("present")}
	methodSay       = &method{name: "say", reply: newReplyBody("said")}
	methodReadChat  = &method{name: "read_chat", reply: newReplyBody("chat_history")}
	methodJoin      = &method{name: "join_group", reply: newReplyBody("joined_group")}
	methodPart      = &method{name: "leave_group", reply: newReplyBody("left_group")}

	methods = []*method{
		methodGetPlayer, methodBuy, methodCall, methodEnter, methodLeave, methodIntend,
		methodWho, methodSay, methodReadChat, methodJoin, methodPart,
	}
)

var (
	serverFrame   = (*clientv1.ServerFrame)(nil).ProtoReflect().Descriptor()
	resultPayload = (*clientv1.Result)(nil).ProtoReflect().Descriptor().Fields().ByName("payload").Number()
)

func bodyField(name protoreflect.Name) protowire.Number {
	return serverFrame.Fields().ByName(name).Number()
}

// replyBody is where in a ServerFrame the answer to a method goes.
type replyBody struct {
	field protowire.Number
	// message is the type of the answer; "" for any.
	message protoreflect.FullName
	// wrapped is the field of the body that the encoded answer goes into; 0 when
	// the answer is the body.
	wrapped protowire.Number
}

func newReplyBody(name protoreflect.Name) *replyBody {
	f := serverFrame.Fields().ByName(name)
	return &replyBody{field: f.Number(), message: f.Message().FullName()}
}

func (b *replyBody) check(answer proto.Message) error {
	if b.message == "" {
		return nil
	}
	if got := answer.ProtoReflect().Descriptor().FullName(); got != b.message {
		return fmt.Errorf("answer is a %s, not a %s", got, b.message)
	}
	return nil
}

// frame is the decoded frame around an answer, for codecs that need it.
func (b *replyBody) frame(a *cluster.Answer) (*clientv1.ServerFrame, error) {
	f := new(clientv1.ServerFrame)
	if b.wrapped != 0 {
		payload := a.Payload
		if a.Body != nil {
			var err error
			if payload, err = proto.Marshal(a.Body); err != nil {
				return nil, err
			}
		}
		f.Body = &clientv1.ServerFrame_Result{Result: &clientv1.Result{Payload: payload}}
		return f, nil
	}
	m := f.ProtoReflect()
	field := serverFrame.Fields().ByNumber(b.field)
	if a.Body != nil {
		if err := b.check(a.Body); err != nil {
			return nil, err
		}
		m.Set(field, protoreflect.ValueOfMessage(a.Body.ProtoReflect()))
		return f, nil
	}
	return f, proto.Unmarshal(a.Payload, m.Mutable(field).Message().Interface())
}
