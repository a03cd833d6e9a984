package gateway

import (
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// event is a frame that nobody has asked for, encoded once for however many
// hear of it.
type event struct {
	binary, json []byte
}

func newEvent(f *clientv1.ServerFrame) (*event, error) {
	binary, err := proto.Marshal(f)
	if err != nil {
		return nil, err
	}
	json, err := protojson.Marshal(f)
	if err != nil {
		return nil, err
	}
	return &event{binary: binary, json: json}, nil
}

// tell queues an event for the client.
func (s *session) tell(e *event) {
	if s.queue.tell(e) {
		s.g.metrics.eventsDropped.Inc()
	}
}

// push makes an event of f, for this client alone.
func (s *session) push(f *clientv1.ServerFrame) {
	e, err := newEvent(f)
	if err != nil {
		s.log().Error("encode event", "error", err)
		return
	}
	s.tell(e)
}
