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
	// known are messages that were looked at.
	known map[messageID]bool
	// key is the keyframe that the follower has begun with last, since the frames
	// that it has taken after it.
	key   []byte
	since []messageID
}

func newTrack(f follower) *track { return &track{follower: f, known: make(map[messageID]bool)} }

// follower knows how the frames of a stream follow one another.
type follower interface {
	// begin takes a keyframe, and returns its number.
	begin(key []byte) (number uint64, f frame, err error)
	// next takes a frame if it is the next one.
	next(text []byte) (f frame, ok bool, err error)
	// number is the last one taken.
	number() uint64
	// again forgets everything.
	again()
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

// restart goes on at a keyframe.
func (t *track) restart(key []byte) error {
	number, f, err := t.begin(key)
	if err != nil {
		return err
	}
	if len(t.frames) == 0 {
		t.first = number
	}
	t.skip(number, f)
	f.missing = true
	t.frames = append(t.frames, f)
	t.key, t.since = key, nil
	return nil
}

// take appends a frame if it is the next one. One that cannot be decoded is not,
// whoever was sent it; frameOf is for going on then.
func (t *track) take(m messageID, text []byte, frameOf func(messageID) []byte) error {
	if t.known[m] {
		return nil
	}
	f, ok, err := t.next(text)
	if err != nil {
		t.known[m] = true
		return t.resume(frameOf)
	}
	if !ok {
		return nil
	}
	if len(t.frames) == 0 {
		t.first = t.number()
	}
	f.message, t.known[m] = m, true
	t.frames = append(t.frames, f)
	t.since = append(t.since, m)
	return nil
}

// resume has the follower go on behind the last good frame.
func (t *track) resume(frameOf func(messageID) []byte) error {
	t.again()
	if t.key != nil {
		if _, _, err := t.begin(t.key); err != nil {
			return err
		}
	}
	for _, m := range t.since {
		if _, _, err := t.next(frameOf(m)); err != nil {
			return err
		}
	}
	return nil
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

func (d *deltaFollower) number() uint64 { return d.decoder.Header().Seq }

func (d *deltaFollower) again() { d.decoder, d.begun = delta.NewDecoder(delta.World), false }

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
