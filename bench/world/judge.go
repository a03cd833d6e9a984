package world

import (
	"errors"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/proto/delta"
)

// seat is how far a viewer is in a track.
type seat struct {
	track  *track
	number uint64 // of the last frame it was sent
	// decoder is a sampled viewer's own.
	decoder *delta.Decoder
}

// note is what a viewer was sent.
type note struct {
	*viewer
	receipts     []receipt
	disconnected bool
}

// verdict is how well the frames of a stretch of time reached some viewers.
type verdict struct {
	viewers int
	// due counts the frames that should have arrived, over all seats of all viewers.
	due   int64
	seats int
	// received counts frames that arrived, each by itself or as a keyframe.
	received int64
	// lost counts frames that never came, conflated those that a keyframe stood
	// for.
	lost, conflated int64
	latency         *hdrhistogram.Histogram
	// full is the bytes that full snapshots would have taken.
	full int64
	// undecodable counts frames that a sampled viewer could not decode.
	undecodable int64
	// stray counts frames that belong nowhere.
	stray        int64
	disconnected int
	// trace is the entities of each tick, of one stream.
	trace trace
}

// trackID names a track: streams are numbered by each gateway.
type trackID struct {
	gateway int
	stream  uint32
}

// keyframe is where a keyframe stands.
type keyframe struct {
	epoch, number uint64
}

// judge compares what viewers were sent, each with all others.
type judge struct {
	scene    scene
	library  *library
	meanings []meaning              // by messageID
	keys     map[messageID]keyframe // of keyframes
	tracks   map[trackID]*track
	epochs   map[trackID]uint64
}

func newJudge(s scene, l *library) *judge {
	return &judge{
		scene: s, library: l, keys: make(map[messageID]keyframe),
		tracks: make(map[trackID]*track), epochs: make(map[trackID]uint64),
	}
}

// judge says how the frames that were due in a stretch of time reached those
// who noted them. Notes follow on those of the call before.
func (j *judge) judge(notes []note, from, to time.Time) (*verdict, error) {
	if j.library.full {
		return nil, fmt.Errorf("judge: viewers were sent more than %d different bytes", maxLibrary)
	}
	if err := j.explain(); err != nil {
		return nil, err
	}
	if err := j.open(notes); err != nil {
		return nil, err
	}
	for id, t := range j.tracks {
		if err := j.piece(id, t, notes); err != nil {
			return nil, err
		}
	}
	v := &verdict{viewers: len(notes), latency: figures.NewHistogram()}
	w := window{from.UnixNano(), to.UnixNano()}
	for _, n := range notes {
		if n.disconnected {
			v.disconnected++
		}
		j.follow(v, n, w)
	}
	for _, t := range j.tracks {
		v.trace = t.trace(w)
		break
	}
	return v, nil
}

// explain looks at the messages that are new.
func (j *judge) explain() error {
	for id := len(j.meanings); id < len(j.library.texts); id++ {
		m, err := j.scene.explain(j.library.texts[id])
		if err != nil {
			return fmt.Errorf("judge: %w", err)
		}
		j.meanings = append(j.meanings, m)
		if m.kind != kindKey {
			continue
		}
		d := delta.NewDecoder(delta.World)
		if err := d.Decode(m.frame); err != nil {
			return fmt.Errorf("judge: decode keyframe: %w", err)
		}
		h := d.Header()
		j.keys[messageID(id)] = keyframe{h.Epoch, h.Seq}
	}
	return nil
}

// open makes the tracks that notes speak of first, each from its first keyframe.
func (j *judge) open(notes []note) error {
	first := make(map[trackID]messageID)
	for _, n := range notes {
		for _, r := range n.receipts {
			m := j.meanings[r.message]
			id := trackID{n.gateway, m.stream}
			switch m.kind {
			case kindKey:
				k := j.keys[r.message]
				if was, known := j.epochs[id]; known && was != k.epoch {
					return errors.New("judge: the zone has changed hands in the middle of the run")
				}
				j.epochs[id] = k.epoch
				if best, found := first[id]; !found || k.number < j.keys[best].number {
					first[id] = r.message
				}
			case kindFrame:
				if !j.scene.keyed() && j.tracks[id] == nil {
					j.tracks[id] = newTrack(j.scene.follower())
				}
			}
		}
	}
	for id, m := range first {
		if j.tracks[id] == nil {
			t := newTrack(j.scene.follower())
			if err := t.restart(j.meanings[m].frame); err != nil {
				return err
			}
			j.tracks[id] = t
		}
	}
	return nil
}

// piece appends to a track what notes have of it.
func (j *judge) piece(id trackID, t *track, notes []note) error {
	for {
		before := t.end()
		for _, n := range notes {
			if n.gateway != id.gateway {
				continue
			}
			for _, r := range n.receipts {
				m := j.meanings[r.message]
				if m.kind != kindFrame || m.stream != id.stream {
					continue
				}
				if err := t.take(r.message, m.frame, j.frameOf); err != nil {
					return fmt.Errorf("judge: %w", err)
				}
			}
		}
		if t.end() > before {
			continue
		}
		key, found := j.nextKey(id, t, notes)
		if !found {
			return nil
		}
		if err := t.restart(j.meanings[key].frame); err != nil {
			return fmt.Errorf("judge: %w", err)
		}
	}
}

func (j *judge) frameOf(m messageID) []byte { return j.meanings[m].frame }

// nextKey returns the first keyframe behind a track's end: nobody was sent what
// stands between.
func (j *judge) nextKey(id trackID, t *track, notes []note) (best messageID, found bool) {
	for _, n := range notes {
		if n.gateway != id.gateway {
			continue
		}
		for _, r := range n.receipts {
			if m := j.meanings[r.message]; m.kind != kindKey || m.stream != id.stream || j.keys[r.message].number < t.end() {
				continue
			}
			if !found || j.keys[r.message].number < j.keys[best].number {
				best, found = r.message, true
			}
		}
	}
	return best, found
}
