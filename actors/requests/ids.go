package requests

import (
	"errors"
	"fmt"
	"time"

	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// MaxIDLength is how long an operator's id may be, in bytes.
const MaxIDLength = 128

// ErrReused is returned for an id or number that was used with other contents.
var ErrReused = errors.New("was used before with other contents")

// IDLimits says how many ids are kept, and for how long at least.
type IDLimits struct {
	// Capacity bounds the table. When it is full of ids younger than Memory,
	// new ones are refused rather than old ones forgotten. Default 1,024.
	Capacity int
	// Memory is how long an id is kept at least. Default 24 h.
	Memory time.Duration
}

// WithDefaults returns l with its zero fields set.
func (l IDLimits) WithDefaults() IDLimits {
	if l.Capacity == 0 {
		l.Capacity = 1024
	}
	if l.Memory == 0 {
		l.Memory = 24 * time.Hour
	}
	return l
}

// Validate says which field cannot work, and why.
func (l IDLimits) Validate() error {
	switch {
	case l.Capacity < 0:
		return fmt.Errorf("limits of ids: Capacity: %d, must not be negative", l.Capacity)
	case l.Memory < 0:
		return fmt.Errorf("limits of ids: Memory: %s, must not be negative", l.Memory)
	}
	return nil
}

// IDs is a table of ids that operators have chosen for what they asked, each
// with what was answered. The zero value is empty.
type IDs struct {
	entries []remembered // the oldest first
}

type remembered struct {
	id       string
	contents uint64
	result   int64
	at       int64
}

// Look returns what was answered under the id. It fails with ErrReused if that
// was for other contents.
func (t *IDs) Look(id string, contents uint64) (result int64, known bool, err error) {
	for i := range t.entries {
		e := &t.entries[i]
		if e.id != id {
			continue
		}
		if e.contents != contents {
			return 0, true, fmt.Errorf("id %q %w", id, ErrReused)
		}
		return e.result, true, nil
	}
	return 0, false, nil
}

// Room says how many of the oldest ids must be forgotten to take a new one, or
// when there may be room if there is none now.
func (t *IDs) Room(now time.Time, l IDLimits) (forget uint32, retry time.Duration, ok bool) {
	if len(t.entries) < l.Capacity {
		return 0, 0, true
	}
	if age := time.Duration(now.UnixNano() - t.entries[0].at); age < l.Memory {
		return 0, l.Memory - age, false
	}
	return 1, 0, true
}

// Add remembers an id, forgetting as many of the oldest as the event says.
func (t *IDs) Add(id string, contents uint64, result, at int64, forget uint32) error {
	if int(forget) > len(t.entries) {
		return fmt.Errorf("forget %d ids of %d", forget, len(t.entries))
	}
	kept := copy(t.entries, t.entries[forget:])
	clear(t.entries[kept:])
	t.entries = append(t.entries[:kept], remembered{id: id, contents: contents, result: result, at: at})
	return nil
}

// Snapshot returns the table.
func (t *IDs) Snapshot() []*journalv1.RememberedID {
	if len(t.entries) == 0 {
		return nil
	}
	out := make([]*journalv1.RememberedID, len(t.entries))
	for i, e := range t.entries {
		out[i] = &journalv1.RememberedID{Id: e.id, Contents: e.contents, Result: e.result, At: e.at}
	}
	return out
}

// Restore replaces the table.
func (t *IDs) Restore(from []*journalv1.RememberedID) {
	t.entries = make([]remembered, len(from))
	for i, e := range from {
		t.entries[i] = remembered{id: e.GetId(), contents: e.GetContents(), result: e.GetResult(), at: e.GetAt()}
	}
}
