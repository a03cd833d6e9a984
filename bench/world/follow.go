package world

import (
	"errors"
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/proto/delta"
)

// window is a stretch of time, in Unix nanoseconds.
type window struct{ from, to int64 }

func (w window) holds(due int64) bool { return w.from <= due && due < w.to }

// follow goes through what a viewer was sent.
func (j *judge) follow(v *verdict, n note, w window) {
	for _, r := range n.receipts {
		m := j.meanings[r.message]
		if m.kind != kindKey && m.kind != kindFrame {
			continue
		}
		t := j.tracks[trackID{n.gateway, m.stream}]
		s := n.seat(t, j.scene.keyed())
		var number uint64
		if m.kind == kindKey {
			number = j.keys[r.message].number
		} else if found, ok := t.find(s.after(), r.message); ok {
			number = found
		} else {
			v.stray++
			continue
		}
		v.decode(s, m)
		switch {
		case s.number == 0: // its first: where it has come in
			s.number = number
			continue
		case number <= s.number: // a keyframe of what it knows
			continue
		}
		between := &v.lost
		if m.kind == kindKey {
			between = &v.conflated
		}
		*between += t.due(s.number+1, number, w)
		s.number = number
		if f := t.at(number); w.holds(f.due) {
			v.received++
			v.full += int64(f.full)
			figures.Record(v.latency, time.Duration(r.at-f.due))
		}
	}
	for _, s := range n.seats {
		v.due += s.track.due(0, s.track.end(), w)
		v.seats++
		if n.disconnected {
			continue // which is worse than what it has lost by that
		}
		v.lost += s.track.due(s.number+1, s.track.end(), w)
		v.compare(s)
	}
}

// seat is the viewer's in a track, of frames that can be decoded or not.
func (v *viewer) seat(t *track, decodable bool) *seat {
	for _, s := range v.seats {
		if s.track == t {
			return s
		}
	}
	s := &seat{track: t}
	if v.sampled && decodable {
		s.decoder = delta.NewDecoder(delta.World)
	}
	v.seats = append(v.seats, s)
	return s
}

// after is the number behind which the next frame stands.
func (s *seat) after() uint64 {
	if s.number == 0 {
		return s.track.first - min(s.track.first, 1)
	}
	return s.number
}

// due counts the frames from one number to before another that were due in w.
func (t *track) due(from, to uint64, w window) (n int64) {
	for i := max(from, t.first); i < to; i++ {
		if w.holds(t.at(i).due) {
			n++
		}
	}
	return n
}

// trace is the entities of the frames that were due in w.
func (t *track) trace(w window) (out trace) {
	for _, f := range t.frames {
		if w.holds(f.due) && f.entities != nil && len(out) < maxTrace {
			out = append(out, f.entities)
		}
	}
	return out
}

// compare holds the state that a sampled viewer has decoded against that of
// others.
func (v *verdict) compare(s *seat) {
	f, ok := s.track.follower.(*deltaFollower)
	if ok && s.decoder != nil && s.number == s.track.end()-1 && !s.decoder.Table().Equal(f.decoder.Table()) {
		v.undecodable++
	}
}

// decode has a sampled viewer decode what it was sent.
func (v *verdict) decode(s *seat, m meaning) {
	if s.decoder == nil || m.frame == nil {
		return
	}
	if err := s.decoder.Decode(m.frame); err != nil && !errors.Is(err, delta.ErrStale) {
		v.undecodable++
	}
}
