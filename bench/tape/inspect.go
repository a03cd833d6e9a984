package tape

import (
	"bytes"
	"errors"
	"fmt"
)

// Inspector looks for what must not stand on a tape. It belongs to one
// goroutine.
type Inspector struct {
	// Hashed: players must be named by hashes.
	Hashed bool

	redactor redactor
	again    []byte
}

// What an Inspector finds.
var (
	// ErrNoFrame: the frame of a record is none.
	ErrNoFrame = errors.New("a frame cannot be decoded")
	// ErrTelling: a frame holds what should have been taken out of it.
	ErrTelling = errors.New("a frame holds what must not be kept")
	// ErrNamed: a player is named who should be hashed.
	ErrNamed = errors.New("a player is named by other than a hash")
)

// Look says what is wrong with a record.
func (v *Inspector) Look(r *Record) error {
	v.redactor.judges, v.redactor.named = v.Hashed, false
	var ok bool
	switch r.Kind {
	case Opened:
		if v.Hashed && !isName([]byte(r.Player)) {
			return fmt.Errorf("connection %d: %w", r.Conn, ErrNamed)
		}
		return nil
	case Received:
		v.again, ok = v.redactor.client(v.again[:0], r.Frame, "")
	case Sent, Shown:
		v.again, ok = v.redactor.server(v.again[:0], r.Frame, "")
	default:
		return nil
	}
	switch {
	case !ok:
		return fmt.Errorf("%s at %v: %w", r.Kind, r.At, ErrNoFrame)
	case v.redactor.named:
		return fmt.Errorf("%s at %v: %w", r.Kind, r.At, ErrNamed)
	case !bytes.Equal(v.again, r.Frame):
		return fmt.Errorf("%s at %v: %w", r.Kind, r.At, ErrTelling)
	}
	return nil
}

// isName says whether id may be a hash. "" is nobody's.
func isName(id []byte) bool {
	if len(id) == 0 {
		return true
	}
	for _, c := range id {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(id) == hashDigits
}
