package world

import (
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-game/holdfast/proto/delta"
)

// frame is one of a track.
type frame struct {
	message messageID
	// missing: nobody was sent it by itself.
	missing bool
	// due is when its tick was: Unix time in nanoseconds.
	due int64
	// full is the size of a full snapshot of that tick, as a WebSocket message.
	full int
	// entities are those of a snapshot of that tick.
	entities []byte
}

// track is the frames of one stream in their order, as pieced together from what
// all viewers were sent: what each of them should have been sent.
type track struct {
	follower
	first  uint64 // number of frames[0]
	frames []frame
}

// follower knows how the frames of a stream follow one another.
type follower interface {
	// begin takes a keyframe, and returns its number.
	begin(key []byte) (number uint64, f frame, err error)
	// next takes a frame if it is the next one.
	next(text []byte) (f frame, ok bool, err error)
	// number is the last one taken.
	number() (number uint64, any bool)
}

// end is the number behind the last frame.
func (t *track) end() uint64 { return t.first + uint64(len(t.frames)) }

func (t *track) at(number uint64) *frame { return &t.frames[number-t.first] }

// find returns the number of a message that stands behind a number.
func (t *track) find(after uint64, m messageID) (number uint64, ok bool) {
	for n := max(after+1, t.first); n < t.end(); n++ {
		if f := t.at(n); f.message == m && !f.missing {
			return n, true
		}
	}
	return 0, false
}

// skip notes frames up to, and not including, a number as missing.
func (t *track) skip(number uint64, f frame) {
	for n := t.end(); n < number; n++ {
		t.frames = append(t.frames, frame{missing: true, due: f.due, full: f.full})
	}
}

// deltaFollower follows the frames of the delta codec.
type deltaFollower struct {
	decoder *delta.Decoder
	begun   bool
	tracing bool // keep entities
	scratch []byte
}

func (d *deltaFollower) begin(key []byte) (uint64, frame, error) {
	if err := d.decoder.Decode(key); err != nil {
		return 0, frame{}, fmt.Errorf("decode keyframe: %w", err)
	}
	d.begun = true
	return d.decoder.Header().Seq, d.frame(), nil
}

func (d *deltaFollower) next(text []byte) (frame, bool, error) {
	// A frame's second byte is the low bits of its number.
	if !d.begun || len(text) < 2 || text[1] != byte(d.decoder.Header().Seq+1) {
		return frame{}, false, nil
	}
	switch err := d.decoder.Decode(text); {
	case errors.Is(err, delta.ErrStale):
		return frame{}, false, nil
	case err != nil:
		return frame{}, false, fmt.Errorf("decode frame %d: %w", d.decoder.Header().Seq+1, err)
	}
	return d.frame(), true, nil
}

func (d *deltaFollower) number() (uint64, bool) { return d.decoder.Header().Seq, d.begun }

// frame describes the one decoded last.
func (d *deltaFollower) frame() frame {
	h := d.decoder.Header()
	d.scratch = appendEntities(d.scratch[:0], d.decoder.Table())
	f := frame{
		due:  h.Start.UnixNano() + int64(h.Tick)*int64(time.Second)/int64(max(h.Hz, 1)),
		full: snapshotSize(h.Tick, d.scratch),
	}
	if d.tracing {
		f.entities = append([]byte(nil), d.scratch...)
	}
	return f
}
