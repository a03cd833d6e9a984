package peer

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Values of the metric label "kind".
const (
	kindCommand = "command"
	kindAnswer  = "answer"
	kindMessage = "message"
	kindHandoff = "handoff"
)

// encodeBody returns body encoded, or payload when there is no body.
func encodeBody(body proto.Message, payload []byte) ([]byte, error) {
	if body == nil {
		return payload, nil
	}
	return proto.Marshal(body)
}

// encodeCommand encodes c as an Item. An empty ReplyTo, "this process", becomes
// self: it must mean the same on the other side.
func encodeCommand(c *cluster.Command, self cluster.Address) ([]byte, error) {
	payload, err := encodeBody(c.Body, c.Payload)
	if err != nil {
		return nil, fmt.Errorf("encode command %s of %s: %w", c.Method, c.To, err)
	}
	replyTo := c.ReplyTo
	if replyTo == "" {
		replyTo = self
	}
	return proto.Marshal(&clusterv1.Item{Body: &clusterv1.Item_Command{Command: &clusterv1.Command{
		Call:        c.Call,
		ReplyTo:     string(replyTo),
		Shard:       uint32(c.Shard),
		To:          &clusterv1.ActorID{Kind: c.To.Kind, Id: c.To.ID},
		Caller:      &clusterv1.Caller{Player: c.Caller.Player, Admin: c.Caller.Admin},
		Request:     c.Request,
		Method:      c.Method,
		Payload:     payload,
		Traceparent: c.Traceparent,
	}}})
}

func decodeCommand(c *clusterv1.Command) *cluster.Command {
	return &cluster.Command{
		Call:        c.GetCall(),
		ReplyTo:     cluster.Address(c.GetReplyTo()),
		Shard:       cluster.ShardID(c.GetShard()),
		To:          decodeActor(c.GetTo()),
		Caller:      cluster.Caller{Player: c.GetCaller().GetPlayer(), Admin: c.GetCaller().GetAdmin()},
		Request:     c.GetRequest(),
		Method:      c.GetMethod(),
		Payload:     c.GetPayload(),
		Traceparent: c.GetTraceparent(),
	}
}

func encodeAnswer(a *cluster.Answer) ([]byte, error) {
	payload, err := encodeBody(a.Body, a.Payload)
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	wire := &clusterv1.Answer{
		Call:         a.Call,
		Code:         int32(a.Code),
		Text:         a.Text,
		RetryAfterMs: a.RetryAfterMs,
		Payload:      payload,
		NotOwner:     a.NotOwner,
	}
	if a.Owner != (cluster.Route{}) {
		wire.Owner = &clusterv1.Owner{
			Node:        string(a.Owner.Node),
			Incarnation: string(a.Owner.Incarnation),
			Epoch:       uint64(a.Owner.Epoch),
			Address:     string(a.Owner.Address),
		}
	}
	return proto.Marshal(&clusterv1.Item{Body: &clusterv1.Item_Answer{Answer: wire}})
}

func decodeAnswer(a *clusterv1.Answer) *cluster.Answer {
	return &cluster.Answer{
		Call:         a.GetCall(),
		Code:         clientv1.Code(a.GetCode()),
		Text:         a.GetText(),
		RetryAfterMs: a.GetRetryAfterMs(),
		Payload:      a.GetPayload(),
		NotOwner:     a.GetNotOwner(),
		Owner: cluster.Route{
			Node:        cluster.NodeName(a.GetOwner().GetNode()),
			Incarnation: cluster.Incarnation(a.GetOwner().GetIncarnation()),
			Address:     cluster.Address(a.GetOwner().GetAddress()),
			Epoch:       cluster.Epoch(a.GetOwner().GetEpoch()),
		},
	}
}

func encodeMessage(msg *cluster.Message) ([]byte, error) {
	body, err := anypb.New(msg.Body)
	if err != nil {
		return nil, fmt.Errorf("encode message from %s to %s: %w", msg.From, msg.To, err)
	}
	return proto.Marshal(&clusterv1.Item{Body: &clusterv1.Item_Message{Message: &clusterv1.Message{
		Shard: uint32(msg.Shard),
		From:  &clusterv1.ActorID{Kind: msg.From.Kind, Id: msg.From.ID},
		To:    &clusterv1.ActorID{Kind: msg.To.Kind, Id: msg.To.ID},
		Body:  body,
	}}})
}

// decodeMessage fails when this version does not know the type of the body.
func decodeMessage(msg *clusterv1.Message) (*cluster.Message, error) {
	body, err := msg.GetBody().UnmarshalNew()
	if err != nil {
		return nil, fmt.Errorf("decode message for %s: %w", decodeActor(msg.GetTo()), err)
	}
	return &cluster.Message{
		Shard: cluster.ShardID(msg.GetShard()),
		From:  decodeActor(msg.GetFrom()),
		To:    decodeActor(msg.GetTo()),
		Body:  body,
	}, nil
}

func decodeActor(a *clusterv1.ActorID) cluster.ActorID {
	return cluster.ActorID{Kind: a.GetKind(), ID: a.GetId()}
}
