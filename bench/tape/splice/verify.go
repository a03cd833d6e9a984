package splice

import (
	"errors"
	"fmt"

	"github.com/holdfast-game/holdfast/bench/tape"
)

// maxProblems is how many problems of one tape are told: the first says most.
const maxProblems = 10

// Verdict is what is wrong with a tape.
type Verdict struct {
	File    string `json:"file"`
	Records uint64 `json:"records"`
	// Dropped records were lost while the tape was recorded. That is known, and
	// not wrong.
	Dropped uint64 `json:"dropped"`
	// Problems are the first few.
	Problems []string `json:"problems"`
	// More is how many there are besides.
	More uint64 `json:"more_problems,omitempty"`
}

// OK: nothing is wrong.
func (v *Verdict) OK() bool { return len(v.Problems) == 0 }

func (v *Verdict) found(format string, args ...any) {
	if len(v.Problems) == maxProblems {
		v.More++
		return
	}
	v.Problems = append(v.Problems, fmt.Sprintf(format, args...))
}

// Verify reads a tape through, and looks whether it is whole, whether its records
// go together, and whether something is on it that must not be. Its only errors
// are those of the file system.
func Verify(file string, in *tape.Reader) (*Verdict, error) {
	v := &Verdict{File: file, Problems: []string{}}
	inspector := tape.Inspector{Hashed: in.Info().Hashed}
	open := make(map[uint64]bool)
	err := each(in, func(r *tape.Record) error {
		v.Records++
		v.Dropped += r.Lost
		if err := inspector.Look(r); err != nil {
			v.found("%v", err)
		}
		switch r.Kind {
		case tape.Opened:
			if open[r.Conn] && v.Dropped == 0 {
				v.found("opened at %v: connection %d is open already", r.At, r.Conn)
			}
			open[r.Conn] = true
		case tape.Closed, tape.Received, tape.Sent:
			if !open[r.Conn] && v.Dropped == 0 {
				v.found("%s at %v: connection %d is not open", r.Kind, r.At, r.Conn)
			}
			if r.Kind == tape.Closed {
				delete(open, r.Conn)
			}
		}
		return nil
	})
	if d := new(tape.DamageError); errors.As(err, &d) {
		v.found("%v", d)
	} else if err != nil {
		return v, err
	} else if !in.Info().Ended {
		v.found("the recording was not ended: its writer writes still, or was killed; all that is there can be read")
	}
	if i := in.Info(); err == nil && (i.Records != v.Records || i.Dropped != v.Dropped) {
		v.found("the index speaks of %d records and %d lost, and there are %d and %d", i.Records, i.Dropped, v.Records, v.Dropped)
	}
	return v, nil
}
