package gateway

import (
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// The subprotocols, in the order in which the gateway prefers them.
const (
	// SubprotocolProto has one encoded message in each binary WebSocket message.
	SubprotocolProto = "holdfast.v1.proto"
	// SubprotocolJSON has the same messages as protobuf's JSON in text messages.
	SubprotocolJSON = "holdfast.v1.json"
)

// codec writes and reads frames as one subprotocol has them.
type codec interface {
	subprotocol() string
	opcode() opcode
	// decode replaces f. What it does not know it leaves out.
	decode(data []byte, f *clientv1.ClientFrame) error
	appendFrame(dst []byte, f *clientv1.ServerFrame) ([]byte, error)
	// appendAnswer encodes a frame whose body is a successful answer.
	appendAnswer(dst []byte, seq uint64, body *replyBody, a *cluster.Answer) ([]byte, error)
	encoded(e *event) []byte
}

func codecOf(subprotocol string) codec {
	if subprotocol == SubprotocolJSON {
		return jsonCodec{}
	}
	return protoCodec{}
}

// speaksProto says whether messages are encoded as Protocol Buffers.
func (s *session) speaksProto() bool {
	_, yes := s.codec.(protoCodec)
	return yes
}

type protoCodec struct{}

func (protoCodec) subprotocol() string { return SubprotocolProto }

func (protoCodec) opcode() opcode { return opBinary }

func (protoCodec) decode(data []byte, f *clientv1.ClientFrame) error {
	return proto.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(data, f)
}

func (protoCodec) appendFrame(dst []byte, f *clientv1.ServerFrame) ([]byte, error) {
	return proto.MarshalOptions{}.MarshalAppend(dst, f)
}

var seqField = bodyField("seq")

// appendAnswer writes the frame around the answer field by field: an answer
// that came over the wire is not decoded, one from this process not copied.
func (protoCodec) appendAnswer(dst []byte, seq uint64, body *replyBody, a *cluster.Answer) ([]byte, error) {
	dst = protowire.AppendTag(dst, seqField, protowire.VarintType)
	dst = protowire.AppendVarint(dst, seq)
	size := len(a.Payload)
	if a.Body != nil {
		if err := body.check(a.Body); err != nil {
			return nil, err
		}
		size = proto.MarshalOptions{}.Size(a.Body)
	}
	dst = protowire.AppendTag(dst, body.field, protowire.BytesType)
	if body.wrapped != 0 {
		if size == 0 {
			return protowire.AppendVarint(dst, 0), nil
		}
		inner := protowire.SizeTag(body.wrapped) + protowire.SizeBytes(size)
		dst = protowire.AppendVarint(dst, uint64(inner))
		dst = protowire.AppendTag(dst, body.wrapped, protowire.BytesType)
	}
	dst = protowire.AppendVarint(dst, uint64(size))
	if a.Body == nil {
		return append(dst, a.Payload...), nil
	}
	return proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(dst, a.Body)
}

func (protoCodec) encoded(e *event) []byte { return e.binary }

type jsonCodec struct{}

func (jsonCodec) subprotocol() string { return SubprotocolJSON }

func (jsonCodec) opcode() opcode { return opText }

func (jsonCodec) decode(data []byte, f *clientv1.ClientFrame) error {
	if !utf8.Valid(data) {
		return fmt.Errorf("the text is not UTF-8")
	}
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(data, f)
}

func (jsonCodec) appendFrame(dst []byte, f *clientv1.ServerFrame) ([]byte, error) {
	return protojson.MarshalOptions{}.MarshalAppend(dst, f)
}

func (c jsonCodec) appendAnswer(dst []byte, seq uint64, body *replyBody, a *cluster.Answer) ([]byte, error) {
	f, err := body.frame(a)
	if err != nil {
		return nil, err
	}
	f.Seq = seq
	return c.appendFrame(dst, f)
}

func (jsonCodec) encoded(e *event) []byte { return e.json }
