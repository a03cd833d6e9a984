package journal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard/checkpoint"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// moment is what the cluster had at one moment, however it goes on:
//
//   - before has the shards' records, read first;
//   - logs are measured after that, so that they hold all that was written under
//     ownerships which had ended by then, and all that the checkpoints hold;
//   - after has the records once more: no epoch in the logs can be above theirs.
//
// Records of epochs above those in before belong to a later moment.
type moment struct {
	before, after map[cluster.ShardID]*clusterv1.Shard
	logs          []logExtent
	store         *checkpoint.Store // nil while there is none
}

// closed is the record of a shard with its open segment closed where that log
// ended at the moment: what a recovery of the shard would go by.
func (m *moment) closed(s cluster.ShardID) *clusterv1.Shard {
	rec := proto.CloneOf(m.before[s])
	n := len(rec.GetSegments())
	if n == 0 || rec.Segments[n-1].To != nil {
		return rec
	}
	open, last := rec.Segments[n-1], cluster.LogSeq(0)
	for _, l := range m.logs {
		if string(l.name) == open.GetLog() {
			last = l.Last
		}
	}
	open.To = proto.Uint64(max(uint64(last), open.GetFrom()-1))
	return rec
}

// look reads what there is now.
func (r *reader) look(ctx context.Context) (*moment, error) {
	m := new(moment)
	var err error
	if m.before, err = r.view.AllShards(ctx); err != nil {
		return nil, err
	}
	if m.logs, err = r.logs(ctx); err != nil {
		return nil, err
	}
	if m.after, err = r.view.AllShards(ctx); err != nil {
		return nil, err
	}
	m.store, err = checkpoint.Find(ctx, r.js, r.view.ClusterID())
	if errors.Is(err, checkpoint.ErrNoStore) {
		err = nil
	}
	return m, err
}

// gone says that something was not there: removed since the moment, or lost.
func gone(err error) bool {
	return errors.Is(err, journal.ErrMissing) || errors.Is(err, journal.ErrNoLog) || errors.Is(err, checkpoint.ErrNotFound)
}

// read is journal.Scan for entries that a log had at the moment. Its writer may
// purge them while they are read: that is ErrMissing, and no gap.
func (r *reader) read(ctx context.Context, name cluster.LogName, from, to cluster.LogSeq, fn func(*journal.Entry) error) error {
	_, _, err := journal.Scan(ctx, r.js, name, from, to, fn)
	if !errors.Is(err, journal.ErrGap) {
		return err
	}
	if x, now := journal.Measure(ctx, r.js, name); now == nil && x.First > from {
		return fmt.Errorf("%w: log %s, read from entry %d on, was purged meanwhile and begins with entry %d", journal.ErrMissing, name, from, x.First)
	}
	return err
}

// lostError: what should be there is not, and nobody has removed it on the
// strength of a checkpoint.
type lostError struct {
	at  *moment
	err error
}

func (e *lostError) Error() string { return "a recovery would fail: " + e.err.Error() }

func (e *lostError) Unwrap() error { return e.err }

// examine looks at the cluster and has f read what it saw. A cluster at work
// removes what its newest checkpoints have made superfluous: then it is looked at
// anew. The error is that of f, or a lostError.
func (r *reader) examine(ctx context.Context, f func(*moment) error) error {
	for try := 1; ; try++ {
		m, err := r.look(ctx)
		if err != nil {
			return err
		}
		err = f(m)
		switch {
		case err == nil || !gone(err):
			return err
		case try < retries:
			// What a checkpoint has made superfluous is removed some time after it, of
			// each log on its own: that nothing else has changed says nothing yet.
			continue
		}
		now, lookErr := r.view.AllShards(ctx)
		switch {
		case lookErr != nil:
			return lookErr
		case maps.EqualFunc(m.before, now, func(a, b *clusterv1.Shard) bool { return proto.Equal(a, b) }):
			return &lostError{m, err}
		}
		return fmt.Errorf("the cluster removes its logs faster than they are read; let its nodes retain them: %w", err)
	}
}

// logExtent is one log as it was when the reading began.
type logExtent struct {
	name cluster.LogName
	journal.Extent
}

// retries bounds how often something is read again because the cluster has
// changed or removed it meanwhile.
const retries = 5

// logs returns the cluster's logs, in the order in which they were begun.
func (r *reader) logs(ctx context.Context) ([]logExtent, error) {
	names, err := journal.List(ctx, r.js, r.view.ClusterID())
	if err != nil {
		return nil, err
	}
	var out []logExtent
	for _, name := range names {
		x, err := journal.Measure(ctx, r.js, name)
		if errors.Is(err, journal.ErrNoLog) {
			continue // removed since it was listed
		}
		if err != nil {
			return nil, err
		}
		out = append(out, logExtent{name, x})
	}
	slices.SortFunc(out, func(a, b logExtent) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return strings.Compare(string(a.name), string(b.name))
	})
	return out, nil
}
