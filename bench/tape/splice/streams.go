package splice

import (
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/bench/tape"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// renumber gives the streams that the source's record speaks of the numbers of
// the merged tape.
func (m *merger) renumber(s *source) {
	r := &s.rec
	if m.alone {
		return
	}
	if r.Kind == tape.Shown {
		r.Stream = m.stream(s, r.Stream)
	}
	if r.Kind == tape.Received {
		if f := new(clientv1.ClientFrame); body(r.Frame, clientBodies) == "resync" && proto.Unmarshal(r.Frame, f) == nil {
			f.GetResync().Stream = m.stream(s, f.GetResync().GetStream())
			r.Frame = encode(f, r.Frame)
		}
		return
	}
	switch body(r.Frame, serverBodies) {
	case "world", "world_key", "world_gone":
	default:
		return
	}
	f := new(clientv1.ServerFrame)
	if proto.Unmarshal(r.Frame, f) != nil {
		return
	}
	switch b := f.GetBody().(type) {
	case *clientv1.ServerFrame_World:
		b.World.Stream = m.stream(s, b.World.GetStream())
	case *clientv1.ServerFrame_WorldKey:
		b.WorldKey.Stream = m.stream(s, b.WorldKey.GetStream())
	case *clientv1.ServerFrame_WorldGone:
		for i, stream := range b.WorldGone.GetStreams() {
			b.WorldGone.Streams[i] = m.stream(s, stream)
		}
	}
	r.Frame = encode(f, r.Frame)
}

func (m *merger) stream(s *source, stream uint32) uint32 {
	p := place{s.recording, uint64(stream)}
	n, known := m.streams[p]
	if !known {
		n = uint32(len(m.streams) + 1)
		m.streams[p] = n
	}
	return n
}

// encode encodes a frame, which is as it was if it cannot be.
func encode(f proto.Message, before []byte) []byte {
	b, err := proto.Marshal(f)
	if err != nil {
		return before
	}
	return b
}
