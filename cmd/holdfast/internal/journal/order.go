package journal

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// order says whose turn it is when all logs are read at once: the records of a
// shard follow each other by its ownerships. It is used up by one reading.
type order struct {
	// tenures of each shard that are to come, the first of them under way.
	tenures map[cluster.ShardID][]*tenure
	// passed counts the records of the tenure under way that were passed.
	passed map[cluster.ShardID]uint64
}

// order begins another reading of what was indexed.
func (x *index) order() order {
	o := order{tenures: make(map[cluster.ShardID][]*tenure, len(x.tenures)), passed: make(map[cluster.ShardID]uint64)}
	for s, list := range x.tenures {
		o.tenures[s] = list
	}
	return o
}

// turn says whether a record comes next in its shard, and passes it if so. The
// record must be one that was indexed.
func (o *order) turn(rec *journal.Record) bool {
	list := o.tenures[rec.Shard]
	if list[0].epoch != rec.Epoch {
		return false
	}
	if o.passed[rec.Shard]++; o.passed[rec.Shard] == list[0].records {
		o.tenures[rec.Shard], o.passed[rec.Shard] = list[1:], 0
	}
	return true
}

// stuckError: there is no order in which the records can have been written.
type stuckError struct {
	log   cluster.LogName
	entry cluster.LogSeq
}

func (e *stuckError) Error() string {
	return fmt.Sprintf("no order of ownerships allows what the logs hold: entry %d of log %s would have to come after itself", e.entry, e.log)
}

// cursor is a reading of one log.
type cursor struct {
	log   logExtent
	next  func() (*journal.Entry, error, bool)
	stop  func()
	entry *journal.Entry
	at    int // the record of entry that comes next
}

// take is given the i-th record of an entry. It returns false for one whose turn
// has not come: that is given again. An error ends the walk.
type take func(log logExtent, e *journal.Entry, i int) (bool, error)

// errEnough ends a scan whose reader wants no more.
var errEnough = errors.New("enough")

// scan reads entries first to last of a log, one at a time.
func (r *reader) scan(ctx context.Context, l logExtent) iter.Seq2[*journal.Entry, error] {
	return func(yield func(*journal.Entry, error) bool) {
		err := r.read(ctx, l.name, l.First, l.Last, func(e *journal.Entry) error {
			if !yield(e, nil) {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(nil, err)
		}
	}
}

// walk reads all logs at once, each as far as the ownerships in the others allow.
// There is such an order, because an ownership begins after the one before it has
// ended: if not, the error is a stuckError. A log is opened when those before it
// cannot go on, so that no more are open than nodes lived at the same time.
func (r *reader) walk(ctx context.Context, logs []logExtent, fn take) error {
	var open []*cursor
	defer func() {
		for _, c := range open {
			c.stop()
		}
	}()
	for opened := 0; ; {
		moved := false
		for i := 0; i < len(open); {
			went, ended, err := open[i].advance(fn)
			if err != nil {
				return err
			}
			moved = moved || went
			if ended {
				open[i].stop()
				open = append(open[:i], open[i+1:]...)
				continue
			}
			i++
		}
		switch {
		case moved:
		case opened < len(logs):
			if l := logs[opened]; l.First <= l.Last {
				c := &cursor{log: l}
				c.next, c.stop = iter.Pull2(r.scan(ctx, l))
				open = append(open, c)
			}
			opened++
		case len(open) > 0:
			return &stuckError{open[0].log.name, open[0].entry.Seq}
		default:
			return nil
		}
	}
}

// advance passes on what a log holds until an ownership must end first that
// another log tells about.
func (c *cursor) advance(fn take) (moved, ended bool, err error) {
	for {
		if c.entry == nil {
			entry, err, ok := c.next()
			if err != nil {
				return moved, false, err
			}
			if !ok {
				return moved, true, nil
			}
			c.entry, c.at = entry, 0
		}
		for ; c.at < len(c.entry.Records); c.at++ {
			if ok, err := fn(c.log, c.entry, c.at); !ok || err != nil {
				return moved, false, err
			}
			moved = true
		}
		c.entry, moved = nil, true
	}
}
