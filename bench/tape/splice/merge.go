package splice

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-game/holdfast/bench/tape"
)

// Merge writes the records of several tapes in the order of their times: parts of
// one recording, or recordings of several nodes. Tapes of different recordings
// have their connections and streams numbered anew.
func Merge(ins []*tape.Reader, path string) error {
	h, err := mergedHeader(ins)
	if err != nil {
		return err
	}
	return write(path, h, func(w *tape.Writer) error {
		m := merger{alone: h.Recording != "", conns: make(map[place]uint64), streams: make(map[place]uint32), open: make(map[uint64]*source)}
		return m.run(w, ins, h.Started)
	})
}

// mergedHeader says what tapes have in common, or why they do not go together.
func mergedHeader(ins []*tape.Reader) (tape.Header, error) {
	if len(ins) == 0 {
		return tape.Header{}, errors.New("merge: no tapes")
	}
	h := ins[0].Info().Header
	var nodes, builds, profiles []string
	for _, in := range ins {
		i := in.Info()
		switch {
		case i.Hashed != h.Hashed:
			return h, errors.New("merge: some tapes name players by hashes, and some by their ids")
		case i.KeyID != h.KeyID:
			return h, fmt.Errorf("merge: the players of these tapes were hashed with different keys, %s and %s: the same player has several names", h.KeyID, i.KeyID)
		}
		if i.Recording != h.Recording {
			h.Recording = ""
		}
		if i.Started.Before(h.Started) {
			h.Started = i.Started
		}
		nodes, builds, profiles = append(nodes, i.Node), append(builds, i.Build), append(profiles, i.Profile)
		h.Part = min(h.Part, i.Part)
	}
	if h.Recording == "" {
		h.Part = 0
	}
	h.Node, h.Build, h.Profile = names(nodes), names(builds), names(profiles)
	return h, nil
}

// names lists each name once.
func names(all []string) string {
	slices.Sort(all)
	all = slices.DeleteFunc(slices.Compact(all), func(s string) bool { return s == "" })
	return strings.Join(all, ",")
}

// place is a number on one recording's tapes.
type place struct {
	recording int
	number    uint64
}

// merger numbers connections and streams.
type merger struct {
	// alone: all tapes are of one recording, and the numbers stay.
	alone   bool
	conns   map[place]uint64
	streams map[place]uint32
	// open are the connections, and the tape that has told of each last.
	open map[uint64]*source
}

// ErrTwice: something stands on two of the tapes that are to be one.
var ErrTwice = errors.New("the tapes have the same")

// source is a tape with its next record.
type source struct {
	in        *tape.Reader
	recording int
	offset    time.Duration // of its start in the merged tape
	rec       tape.Record
	at        time.Duration
	part      int
	left      map[uint64]bool // connections that another tape has gone on with
}

func (s *source) next() (ok bool, err error) {
	if err := s.in.Next(&s.rec); err != nil {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return false, err
	}
	s.at = s.offset + s.rec.At
	return true, nil
}

// run merges until all tapes have ended. A damage ends one of them.
func (m *merger) run(w *tape.Writer, ins []*tape.Reader, started time.Time) error {
	var sources []*source
	var damages []error
	recordings := make(map[string]int)
	advance := func(s *source) bool {
		ok, err := s.next()
		if err != nil {
			damages = append(damages, err)
		}
		return ok
	}
	for n, in := range ins {
		i := in.Info()
		id := i.Recording
		if id == "" {
			id = fmt.Sprint("tape ", n)
		}
		if _, known := recordings[id]; !known {
			recordings[id] = len(recordings)
		}
		s := &source{in: in, recording: recordings[id], offset: i.Started.Sub(started), part: i.Part}
		if advance(s) {
			sources = append(sources, s)
		}
	}
	for len(sources) > 0 {
		// At the same moment, what a recording has first comes first.
		s := slices.MinFunc(sources, func(a, b *source) int {
			return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.recording, b.recording), cmp.Compare(a.part, b.part))
		})
		fresh, err := m.number(s)
		if err != nil {
			return fmt.Errorf("merge: %w", err)
		}
		if fresh {
			rec := s.rec
			rec.At = s.at
			if err := w.Append(&rec); err != nil {
				return err
			}
		}
		if !advance(s) {
			sources = slices.DeleteFunc(sources, func(o *source) bool { return o == s })
		}
	}
	return errors.Join(damages...)
}

// number gives the source's record the numbers of the merged tape. False: it says
// what is known: a part begins with the connections that are open.
func (m *merger) number(s *source) (fresh bool, err error) {
	r := &s.rec
	switch r.Kind {
	case tape.Dropped:
		return true, nil
	case tape.Shown:
		m.renumber(s)
		return true, nil
	}
	if !m.alone {
		p := place{s.recording, r.Conn}
		conn, known := m.conns[p]
		if !known {
			conn = uint64(len(m.conns) + 1)
			m.conns[p] = conn
		}
		r.Conn = conn
	}
	switch r.Kind {
	case tape.Opened:
		if m.open[r.Conn] != nil {
			return false, m.handOver(s)
		}
		m.open[r.Conn] = s
	case tape.Closed:
		err = m.handOver(s)
		delete(m.open, r.Conn)
	default:
		err = m.handOver(s)
		m.renumber(s)
	}
	return true, err
}

// handOver has a source go on with a connection. The parts of a recording do so
// one after the other: where one comes back to it, they are of the same time.
func (m *merger) handOver(s *source) error {
	conn := s.rec.Conn
	last := m.open[conn]
	if last == nil || last == s {
		return nil
	}
	if s.left[conn] {
		return fmt.Errorf("%w: connection %d at %v", ErrTwice, conn, s.rec.At)
	}
	if last.left == nil {
		last.left = make(map[uint64]bool)
	}
	last.left[conn] = true
	m.open[conn] = s
	return nil
}
