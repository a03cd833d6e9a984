package client

import (
	"fmt"

	"github.com/gorilla/websocket"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Subprotocol is a WebSocket subprotocol: how frames are written.
type Subprotocol string

const (
	// Binary has one encoded protobuf message in each binary WebSocket message.
	Binary Subprotocol = "holdfast.v1.proto"
	// JSON has the same messages as protojson in text WebSocket messages.
	JSON Subprotocol = "holdfast.v1.json"
)

// messageType is the WebSocket message type that the subprotocol travels in.
func (s Subprotocol) messageType() int {
	if s == JSON {
		return websocket.TextMessage
	}
	return websocket.BinaryMessage
}

// append encodes m behind dst.
func (s Subprotocol) append(dst []byte, m proto.Message) ([]byte, error) {
	if s == JSON {
		return protojson.MarshalOptions{}.MarshalAppend(dst, m)
	}
	return proto.MarshalOptions{}.MarshalAppend(dst, m)
}

// decode replaces m by what data says. Fields of a newer server are ignored.
func (s Subprotocol) decode(data []byte, m proto.Message) error {
	if s == JSON {
		return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(data, m)
	}
	return proto.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(data, m)
}

func (s Subprotocol) validate() error {
	if s != Binary && s != JSON {
		return fmt.Errorf("Subprotocol: %q is neither %q nor %q", string(s), Binary, JSON)
	}
	return nil
}
