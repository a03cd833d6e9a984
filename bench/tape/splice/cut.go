package splice

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/holdfast-game/holdfast/bench/tape"
)

// each calls fn with every record. Where the tape is damaged it ends with that
// error.
func each(in *tape.Reader, fn func(*tape.Record) error) error {
	var rec tape.Record
	for {
		switch err := in.Next(&rec); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := fn(&rec); err != nil {
			return err
		}
	}
}

// write makes a new tape of what fill appends. It is kept, and whole, when fill
// ends well or at a damage of what it reads.
func write(path string, h tape.Header, fill func(*tape.Writer) error) error {
	w, err := tape.Create(path, h)
	if err != nil {
		return err
	}
	found := fill(w)
	err = w.Close()
	if found == nil || errors.As(found, new(*tape.DamageError)) {
		return errors.Join(found, err)
	}
	return errors.Join(found, err, os.Remove(path))
}

// errEnough ends the reading where it is not needed any more.
var errEnough = errors.New("enough")

// Cut writes what happened from one time to another, with the connections that
// were open then. to 0: to the end.
func Cut(in *tape.Reader, path string, from, to time.Duration) error {
	h := in.Info().Header
	switch {
	case from < 0 || to < 0 || to != 0 && to <= from:
		return fmt.Errorf("cut from %v to %v: there is nothing between", from, to)
	case from > in.Info().Duration:
		return fmt.Errorf("cut from %v: the tape ends at %v", from.Round(time.Millisecond), in.Info().Duration.Round(time.Millisecond))
	}
	h.Started = h.Started.Add(from)
	return write(path, h, func(w *tape.Writer) error {
		open, begun := make(map[uint64]string), false
		err := each(in, func(r *tape.Record) error {
			switch {
			case to != 0 && r.At >= to:
				return errEnough
			case r.At >= from:
				if !begun {
					begun = true
					if err := appendOpen(w, open); err != nil {
						return err
					}
				}
				r.At -= from
				return w.Append(r)
			case r.Kind == tape.Opened:
				open[r.Conn] = r.Player
			case r.Kind == tape.Closed:
				delete(open, r.Conn)
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	})
}

// appendOpen begins a tape with connections that are open.
func appendOpen(w *tape.Writer, open map[uint64]string) error {
	for _, conn := range slices.Sorted(maps.Keys(open)) {
		if err := w.Append(&tape.Record{Kind: tape.Opened, Conn: conn, Player: open[conn]}); err != nil {
			return err
		}
	}
	return nil
}
