package journal

import (
	"context"
	"errors"
	"slices"

	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// tenure is what one ownership of a shard has left in a log.
type tenure struct {
	epoch   cluster.Epoch
	log     int // in moment.logs
	writer  cluster.Incarnation
	records uint64
}

// index is what a first reading of all logs finds out: in which order their
// records belong together.
type index struct {
	// tenures of each shard, by epoch.
	tenures map[cluster.ShardID][]*tenure
}

// index reads all logs once.
func (r *reader) index(ctx context.Context, m *moment, v *verdict) (*index, error) {
	x := &index{tenures: make(map[cluster.ShardID][]*tenure)}
	for i, l := range m.logs {
		if l.Void != 0 {
			v.entries.fail("log %s: entry %d stands behind its seal, which is entry %d", l.name, l.Void, l.Seal)
		}
		if v.Whole && l.First > 1 {
			v.entries.fail("log %s: begins with entry %d, so it was purged", l.name, l.First)
		}
		if l.Last < l.First {
			continue
		}
		in := indexer{x: x, m: m, v: v, log: i, last: make(map[cluster.ShardID]*tenure)}
		err := r.read(ctx, l.name, l.First, l.Last, func(e *journal.Entry) error {
			v.entries.Examined++
			in.writer = e.Incarnation
			for i := range e.Records {
				in.record(e.Seq, &e.Records[i])
			}
			return nil
		})
		switch {
		case errors.Is(err, journal.ErrGap), errors.Is(err, journal.ErrCorrupt), errors.Is(err, journal.ErrDiverged):
			v.entries.fail("%v", err)
		case err != nil:
			return nil, err
		}
	}
	for s, list := range x.tenures {
		slices.SortFunc(list, func(a, b *tenure) int { return int(int64(a.epoch) - int64(b.epoch)) })
		x.tenures[s] = list
	}
	return x, nil
}

// indexer takes in the records of one log.
type indexer struct {
	x   *index
	m   *moment
	v   *verdict
	log int
	// writer is whose log it is.
	writer cluster.Incarnation
	// last is each shard's latest tenure in this log.
	last map[cluster.ShardID]*tenure
}

func (in *indexer) record(at cluster.LogSeq, rec *journal.Record) {
	t := in.last[rec.Shard]
	if t == nil || t.epoch != rec.Epoch {
		if t = in.begin(at, rec, t); t == nil {
			return
		}
		in.last[rec.Shard] = t
	}
	in.v.owners.Examined++
	t.records++
	in.checkSegment(at, rec)
}

// begin notes that a shard's records of another epoch begin here; nil when they
// belong to a later moment, or should not be here.
func (in *indexer) begin(at cluster.LogSeq, rec *journal.Record, before *tenure) *tenure {
	name := in.m.logs[in.log].name
	switch epoch := cluster.Epoch(in.m.after[rec.Shard].GetEpoch()); {
	case rec.Epoch == 0 || rec.Epoch > epoch:
		in.v.owners.fail("log %s entry %d: %s/%s event %d is of epoch %d of shard %s, which has come to epoch %d only",
			name, at, rec.Kind, rec.ID, rec.Seq, rec.Epoch, rec.Shard, epoch)
		return nil
	case rec.Epoch > cluster.Epoch(in.m.before[rec.Shard].GetEpoch()):
		return nil
	case before != nil && rec.Epoch < before.epoch:
		in.v.owners.fail("log %s entry %d: a record of epoch %d of shard %s stands behind one of epoch %d", name, at, rec.Epoch, rec.Shard, before.epoch)
		return nil
	}
	list := in.x.tenures[rec.Shard]
	if i := slices.IndexFunc(list, func(t *tenure) bool { return t.epoch == rec.Epoch }); i >= 0 {
		in.v.owners.fail("log %s entry %d: epoch %d of shard %s has records in log %s as well", name, at, rec.Epoch, rec.Shard, in.m.logs[list[i].log].name)
		return nil
	}
	t := &tenure{epoch: rec.Epoch, log: in.log, writer: in.writer}
	in.x.tenures[rec.Shard] = append(list, t)
	return t
}

// checkSegment compares where a record stands with where the shard's record in
// etcd says that its owner wrote. Segments that checkpoints have replaced are
// forgotten there.
func (in *indexer) checkSegment(at cluster.LogSeq, rec *journal.Record) {
	segments := in.m.after[rec.Shard].GetSegments()
	i := slices.IndexFunc(segments, func(s *clusterv1.Segment) bool { return s.GetEpoch() == uint64(rec.Epoch) })
	if i < 0 {
		if n := len(segments); n > 0 && uint64(rec.Epoch) > segments[0].GetEpoch() {
			in.v.owners.fail("log %s entry %d: epoch %d of shard %s wrote nothing, as etcd has it", in.m.logs[in.log].name, at, rec.Epoch, rec.Shard)
		}
		return
	}
	s, name := segments[i], in.m.logs[in.log].name
	if s.GetLog() != string(name) || s.To != nil && uint64(at) > s.GetTo() || i > 0 && uint64(at) < s.GetFrom() {
		in.v.owners.fail("log %s entry %d: a record of epoch %d of shard %s, whose records stand in entries %d to %s of log %s",
			name, at, rec.Epoch, rec.Shard, s.GetFrom(), endOf(s), s.GetLog())
	}
}
