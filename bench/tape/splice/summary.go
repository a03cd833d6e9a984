package splice

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/holdfast-game/holdfast/bench/tape"
)

// Summary is what is on a tape.
type Summary struct {
	File      string    `json:"file"`
	Version   int       `json:"version"`
	Started   time.Time `json:"started"`
	Seconds   float64   `json:"seconds"`
	Node      string    `json:"node,omitempty"`
	Build     string    `json:"build,omitempty"`
	Profile   string    `json:"profile,omitempty"`
	Recording string    `json:"recording,omitempty"`
	Part      int       `json:"part,omitempty"`
	Hashed    bool      `json:"hashed"`
	KeyID     string    `json:"key_id,omitempty"`
	Bytes     int64     `json:"bytes"`
	Blocks    int       `json:"blocks"`
	Records   uint64    `json:"records"`
	// Connections that were open at some time, and Players of them.
	Connections int `json:"connections"`
	Players     int `json:"players"`
	// MostOpen is how many connections were open at once.
	MostOpen int `json:"most_open"`
	// Dropped is how many records were lost when they should have been recorded.
	Dropped uint64 `json:"dropped"`
	// Ended: the recording came to an end in good order.
	Ended  bool     `json:"ended"`
	Damage string   `json:"damage,omitempty"`
	Frames []Frames `json:"frames"`
}

// Frames are those of one kind.
type Frames struct {
	// Direction is received, sent or shown.
	Direction string `json:"direction"`
	Body      string `json:"body"`
	Count     uint64 `json:"count"`
	// Wire is the sum of their sizes as they travelled, to all who got them.
	Wire uint64 `json:"wire_bytes"`
}

type frameKind struct {
	kind tape.Kind
	body string
}

// Summarise reads a tape through. Its only errors are those of the file system: a
// damage is part of the summary.
func Summarise(file string, in *tape.Reader) (*Summary, error) {
	i := in.Info()
	s := &Summary{
		File: file, Version: i.Version, Started: i.Started, Seconds: i.Duration.Seconds(), Node: i.Node, Build: i.Build,
		Profile: i.Profile, Recording: i.Recording, Part: i.Part, Hashed: i.Hashed, KeyID: i.KeyID, Bytes: i.Bytes,
		Blocks: i.Blocks, Ended: i.Ended,
	}
	frames := make(map[frameKind]*Frames)
	players, conns, open := make(map[string]struct{}), make(map[uint64]struct{}), make(map[uint64]struct{})
	err := each(in, func(r *tape.Record) error {
		s.Records++
		names, times := serverBodies, 1
		switch r.Kind {
		case tape.Opened:
			players[r.Player], conns[r.Conn], open[r.Conn] = struct{}{}, struct{}{}, struct{}{}
			s.MostOpen = max(s.MostOpen, len(open))
			return nil
		case tape.Closed:
			delete(open, r.Conn)
			return nil
		case tape.Dropped:
			s.Dropped += r.Lost
			return nil
		case tape.Received:
			names = clientBodies
		case tape.Shown:
			times = r.Viewers
		}
		k := frameKind{r.Kind, body(r.Frame, names)}
		f := frames[k]
		if f == nil {
			f = &Frames{Direction: k.kind.String(), Body: k.body}
			frames[k] = f
		}
		f.Count++
		f.Wire += uint64(r.Size) * uint64(times)
		return nil
	})
	if d := new(tape.DamageError); errors.As(err, &d) {
		s.Damage, err = d.Error(), nil
	}
	s.Players, s.Connections = len(players), len(conns)
	for _, f := range frames {
		s.Frames = append(s.Frames, *f)
	}
	slices.SortFunc(s.Frames, func(a, b Frames) int {
		return cmp.Or(cmp.Compare(a.Direction, b.Direction), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Body, b.Body))
	})
	return s, err
}
