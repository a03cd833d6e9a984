package journal

import (
	"errors"
	"strings"
	"testing"

	"github.com/holdfast-game/holdfast/shard/journal"
)

// The writer purges what its new checkpoints have made superfluous, while somebody
// reads it: that is a reason to look again, and no damage.
func TestALogThatIsPurgedWhileItIsRead(t *testing.T) {
	w := newTown(t)
	log := w.writer("a-1")
	rec := plus(0, 1, "x", 1, 5)
	rec.Event = append(rec.Event, make([]byte, 400<<10)...) // so that they come in several batches
	for range 20 {
		w.add(log, rec)
	}
	r := &reader{view: w.view, js: w.js}
	read := 0
	err := r.read(t.Context(), w.logName("a-1"), 1, 20, func(*journal.Entry) error {
		if read++; read == 1 {
			must(t, log.Purge(t.Context(), 19))
		}
		return nil
	})
	if !errors.Is(err, journal.ErrMissing) || !gone(err) || !strings.Contains(err.Error(), "begins with entry 19") {
		t.Errorf("got %v after %d entries, want ErrMissing", err, read)
	}
	if errors.Is(err, journal.ErrGap) {
		t.Errorf("got %v: a purge is no gap", err)
	}
}
