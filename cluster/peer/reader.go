package peer

import (
	"errors"
	"io"

	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// envelopeName is what envelopes are called in a batch's table of types.
var envelopeName = string((*clusterv1.Envelope)(nil).ProtoReflect().Descriptor().FullName())

// reader serves the streams that peers open to this node. What it cannot read
// it refuses and counts; the stream goes on.
type reader struct {
	remote.UnimplementedRemotingServer
	in *incarnation
}

// Receive serves one peer's stream until it ends.
func (r *reader) Receive(stream remote.Remoting_ReceiveServer) error {
	from := ""
	var version, foreign logOnce
	for {
		msg, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		switch t := msg.GetMessageType().(type) {
		case *remote.RemoteMessage_ConnectRequest:
			from = t.ConnectRequest.GetServerConnection().GetAddress()
			if err := r.welcome(stream, t.ConnectRequest); err != nil {
				return err
			}
		case *remote.RemoteMessage_MessageBatch:
			for _, e := range t.MessageBatch.GetEnvelopes() {
				data, ok := payload(t.MessageBatch, e)
				if !ok {
					r.refuse(refuseType)
					foreign.warn(r.in.mesh.cfg.Logger, "peer sends messages that this node does not know", "peer", from)
					continue
				}
				env := new(clusterv1.Envelope)
				if err := proto.Unmarshal(data, env); err != nil {
					r.refuse(refuseMalformed)
					foreign.warn(r.in.mesh.cfg.Logger, "peer sends malformed envelopes", "peer", from, "err", err)
					continue
				}
				if env.GetVersion() > protocolVersion {
					r.refuse(refuseVersion)
					version.warn(r.in.mesh.cfg.Logger, "peer speaks a newer protocol: its envelopes are refused",
						"peer", from, "version", env.GetVersion(), "supported", protocolVersion)
					continue
				}
				r.deliver(env, from, &foreign)
			}
		default:
			// Later versions of protoactor's protocol may say more.
			r.refuse(refuseType)
		}
	}
}

// welcome answers the handshake. A node takes streams from other nodes only.
func (r *reader) welcome(stream remote.Remoting_ReceiveServer, req *remote.ConnectRequest) error {
	if req.GetServerConnection() == nil {
		return status.Error(codes.InvalidArgument, "only connections from nodes are taken")
	}
	return stream.Send(&remote.RemoteMessage{MessageType: &remote.RemoteMessage_ConnectResponse{
		ConnectResponse: &remote.ConnectResponse{MemberId: r.in.system.ID},
	}})
}

// payload returns an encoded Envelope, or false when e is something else, is
// addressed to something else, or points outside the batch's tables.
func payload(b *remote.MessageBatch, e *remote.MessageEnvelope) ([]byte, bool) {
	types, targets := b.GetTypeNames(), b.GetTargets()
	ti, gi := int(e.GetTypeId()), int(e.GetTarget())
	if ti < 0 || ti >= len(types) || gi < 0 || gi >= len(targets) {
		return nil, false
	}
	if types[ti] != envelopeName || targets[gi].GetId() != receiverID || e.GetSerializerId() != 0 {
		return nil, false
	}
	return e.GetMessageData(), true
}

// deliver calls the handlers on the stream's own goroutine: nothing queues here,
// so a node that is behind slows its peers by flow control instead of growing.
func (r *reader) deliver(env *clusterv1.Envelope, from string, foreign *logOnce) {
	m := r.in.mesh
	var commands, answers, messages, handoffs int
	for _, item := range env.GetItems() {
		switch b := item.GetBody().(type) {
		case *clusterv1.Item_Command:
			commands++
			m.onCommand(decodeCommand(b.Command))
		case *clusterv1.Item_Answer:
			answers++
			m.onAnswer(decodeAnswer(b.Answer))
		case *clusterv1.Item_Message:
			msg, err := decodeMessage(b.Message)
			if err != nil {
				r.refuse(refuseBody)
				foreign.warn(m.cfg.Logger, "peer sends actor messages that this node does not know", "peer", from, "err", err)
				continue
			}
			messages++
			m.onMessage(msg)
		case *clusterv1.Item_Handoff:
			handoffs++
			m.onHandoff(b.Handoff)
		default:
			r.refuse(refuseType)
			foreign.warn(m.cfg.Logger, "peer sends items that this node does not know", "peer", from)
		}
	}
	m.cfg.Metrics.received.WithLabelValues(kindCommand).Add(float64(commands))
	m.cfg.Metrics.received.WithLabelValues(kindAnswer).Add(float64(answers))
	m.cfg.Metrics.received.WithLabelValues(kindMessage).Add(float64(messages))
	m.cfg.Metrics.received.WithLabelValues(kindHandoff).Add(float64(handoffs))
}

func (r *reader) refuse(reason string) { r.in.mesh.cfg.Metrics.refuse(reason) }
