package splice

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// The bodies of frames by field number, named as the protocol has them.
var (
	clientBodies = bodiesOf((*clientv1.ClientFrame)(nil))
	serverBodies = bodiesOf((*clientv1.ServerFrame)(nil))
)

func bodiesOf(frame proto.Message) map[protowire.Number]string {
	all := frame.ProtoReflect().Descriptor().Oneofs().ByName("body").Fields()
	names := make(map[protowire.Number]string, all.Len())
	for i := range all.Len() {
		names[all.Get(i).Number()] = string(all.Get(i).Name())
	}
	return names
}

// body names what a frame is, without decoding it. "none": it has no body.
func body(frame []byte, names map[protowire.Number]string) string {
	found := "none"
	for len(frame) > 0 {
		num, _, n := protowire.ConsumeField(frame)
		if n < 0 {
			break
		}
		if name, ok := names[num]; ok {
			found = name
		}
		frame = frame[n:]
	}
	return found
}
