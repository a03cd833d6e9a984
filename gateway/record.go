package gateway

import (
	"encoding/binary"
	"time"

	"google.golang.org/protobuf/proto"
)

// Recorder is told what players send and are sent, as it happens and from any
// goroutine. It does not block, and keeps nothing of the frames that it is given.
// Frames are encoded as Protocol Buffers, whatever the subprotocol is; size is
// that of the message as it travelled.
type Recorder interface {
	// On says whether frames are wanted now. Who comes and goes always is.
	On() bool
	// Opened: a player was let in. Connections are numbered, and no number is used
	// again.
	Opened(conn uint64, player string, at time.Time)
	// Received: a ClientFrame came. The first is the Hello, token and all.
	Received(conn uint64, frame []byte, size int, at time.Time)
	// Sent: a ServerFrame is about to be written.
	Sent(conn uint64, frame []byte, size int, at time.Time)
	// Shown: a ServerFrame of the world was written to so many viewers, or is going
	// to be.
	Shown(stream uint32, frame []byte, viewers int, at time.Time)
	Closed(conn uint64, at time.Time)
}

type noRecorder struct{}

func (noRecorder) On() bool                                { return false }
func (noRecorder) Opened(uint64, string, time.Time)        {}
func (noRecorder) Received(uint64, []byte, int, time.Time) {}
func (noRecorder) Sent(uint64, []byte, int, time.Time)     {}
func (noRecorder) Shown(uint32, []byte, int, time.Time)    {}
func (noRecorder) Closed(uint64, time.Time)                {}

// recordOpened tells the recorder of a player whose Hello is in s.in.
func (s *session) recordOpened() {
	s.g.recorder.Opened(s.conn, s.player, s.now)
	s.opened = true
	if hello, err := proto.Marshal(&s.in); err == nil && s.g.recorder.On() {
		s.g.recorder.Received(s.conn, hello, len(hello), s.now)
	}
}

// recordReceived tells the recorder of the frame in s.in, which came as message.
func (s *session) recordReceived(message []byte) {
	if !s.opened || !s.g.recorder.On() {
		return
	}
	frame := message
	if !s.speaksProto() {
		var err error
		if frame, err = proto.Marshal(&s.in); err != nil {
			return // it came as JSON, and has what Protocol Buffers cannot say
		}
	}
	s.g.recorder.Received(s.conn, frame, len(message), s.now)
}

// recordReply tells the recorder of a reply, which is written as data.
func (w *writer) recordReply(r *reply, data []byte) {
	if !w.s.opened || !w.s.g.recorder.On() {
		return
	}
	frame := data
	if !w.s.speaksProto() {
		var err error
		if frame, err = r.appendTo(nil, protoCodec{}); err != nil {
			return // it was not written either
		}
	}
	w.recordSent(frame, len(data))
}

// recordEvent tells the recorder of an event.
func (w *writer) recordEvent(e *event) {
	if w.s.opened && w.s.g.recorder.On() {
		w.recordSent(e.binary, len(w.s.codec.encoded(e)))
	}
}

func (w *writer) recordSent(frame []byte, size int) {
	if w.at.IsZero() {
		w.at = time.Now()
	}
	w.s.g.recorder.Sent(w.s.conn, frame, size, w.at)
}

// record tells the recorder what was shown in this round.
func (f *feed) record(r Recorder, now time.Time) {
	if f.followed > 0 {
		for rest := f.news; len(rest) > 0; {
			var frame []byte
			frame, rest = cutMessage(rest)
			r.Shown(f.stream, frame, f.followed, now)
		}
	}
	if f.begun > 0 {
		frame, _ := cutMessage(f.key)
		r.Shown(f.stream, frame, f.begun, now)
	}
}

// cutMessage takes the payload of the first message off p, which are whole
// messages as appendHeader begins them.
func cutMessage(p []byte) (payload, rest []byte) {
	size, n := 2, int(p[1])
	switch n {
	case length16:
		size, n = 4, int(binary.BigEndian.Uint16(p[2:]))
	case length64:
		size, n = 10, int(binary.BigEndian.Uint64(p[2:]))
	}
	return p[size : size+n], p[size+n:]
}
