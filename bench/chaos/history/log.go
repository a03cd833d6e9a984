package history

import (
	"cmp"
	"fmt"
	"slices"
)

// logAudit is the check of the log as a log: what stands where, whatever it
// means. It decides what counts.
type logAudit struct {
	result *Result
	logs   names
	state  []logState // by number of the log
	actors map[actorKey]*actorRuns
	shards map[ownership]uint32 // which log

	entries, records, seals, void int64
}

// logState is how far one log was read.
type logState struct {
	entry       uint64
	incarnation string
	sealed      bool
	shards      map[uint32]uint64 // the newest epoch
}

type actorKey struct{ kind, id string }

type ownership struct {
	shard uint32
	epoch uint64
}

// actorRuns are the events of one actor, as far as they follow each other.
type actorRuns struct {
	shard uint32
	runs  []run
}

// run is a stretch of events of one actor that stand in one log under one
// epoch, one after the other.
type run struct {
	from, to    uint64 // event numbers
	epoch       uint64
	log         uint32
	first, last uint64 // entries
}

func newLogAudit(r *Result) *logAudit {
	r.Unit = "records"
	return &logAudit{result: r, actors: make(map[actorKey]*actorRuns), shards: make(map[ownership]uint32)}
}

// take looks at the next line of the dump. It is false for what does not count:
// what stands behind a seal, and what is no record.
func (a *logAudit) take(r *Record) (at place, counts bool) {
	log := a.logs.of(r.Log)
	if int(log) == len(a.state) {
		a.state = append(a.state, logState{shards: make(map[uint32]uint64)})
	}
	s := &a.state[log]
	at = place{log: log, entry: r.Entry}
	if r.Entry != s.entry {
		a.entries++
		switch {
		case s.entry == 0 && r.Entry != 1:
			a.result.violated("log %s begins with entry %d: the rest was purged, or lost", r.Log, r.Entry)
		case r.Entry != s.entry+1:
			a.result.violated("log %s: entry %d follows upon %d", r.Log, r.Entry, s.entry)
		}
		s.entry = r.Entry
	}
	switch {
	case r.Seal:
		a.seals++
		s.sealed = true
		return at, false
	case s.sealed:
		if r.Kind != "" {
			a.void++
		}
		return at, false
	}
	if r.Incarnation != "" {
		if s.incarnation != "" && s.incarnation != r.Incarnation {
			a.result.violated("log %s entry %d was written by %s, the one before by %s", r.Log, r.Entry, r.Incarnation, s.incarnation)
		}
		s.incarnation = r.Incarnation
	}
	if r.Kind == "" {
		return at, false
	}
	a.records++
	a.result.Checked++
	a.own(r, s, at)
	a.number(r, at)
	return at, true
}

// own checks who wrote for a shard: in an epoch one log only, and in a log never
// an older epoch again.
func (a *logAudit) own(r *Record, s *logState, at place) {
	if s.shards[r.Shard] == r.Epoch {
		return
	}
	if newest := s.shards[r.Shard]; newest > r.Epoch {
		a.result.violated("%s: shard %d under epoch %d, after epoch %d", a.at(at), r.Shard, r.Epoch, newest)
	}
	s.shards[r.Shard] = r.Epoch
	key := ownership{r.Shard, r.Epoch}
	if other, known := a.shards[key]; known && other != at.log {
		a.result.violated("shard %d has two writers in epoch %d: %s and %s", r.Shard, r.Epoch, a.logs.list[other], r.Log)
		return
	}
	a.shards[key] = at.log
}

// number notes the number of an actor's event.
func (a *logAudit) number(r *Record, at place) {
	key := actorKey{r.Kind, r.ID}
	actor := a.actors[key]
	if actor == nil {
		actor = &actorRuns{shard: r.Shard}
		a.actors[key] = actor
	}
	if actor.shard != r.Shard {
		a.result.violated("%s: %s/%s is in shard %d, and was in %d", a.at(at), r.Kind, r.ID, r.Shard, actor.shard)
	}
	if n := len(actor.runs); n > 0 {
		if last := &actor.runs[n-1]; last.log == at.log && last.epoch == r.Epoch && last.to+1 == r.Seq {
			last.to, last.last = r.Seq, at.entry
			return
		}
	}
	actor.runs = append(actor.runs, run{from: r.Seq, to: r.Seq, epoch: r.Epoch, log: at.log, first: at.entry, last: at.entry})
}

// finish checks the events of each actor, over all logs.
func (a *logAudit) finish() {
	if a.records == 0 {
		a.result.violated("there is no record in the logs at all")
	}
	keys := make([]actorKey, 0, len(a.actors))
	for key := range a.actors {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(x, y actorKey) int {
		return cmp.Or(cmp.Compare(x.kind, y.kind), cmp.Compare(x.id, y.id))
	})
	for _, key := range keys {
		a.finishActor(key, a.actors[key].runs)
	}
}

func (a *logAudit) finishActor(key actorKey, runs []run) {
	slices.SortStableFunc(runs, func(x, y run) int { return cmp.Compare(x.from, y.from) })
	var last run
	for i, r := range runs {
		here := a.at(place{r.log, r.first})
		switch {
		case r.from > last.to+1:
			before := "there is nothing before"
			if i > 0 {
				before = "before is " + a.at(place{last.log, last.last})
			}
			a.result.violated("%s/%s: events %d to %d are in no log; next is %s, %s", key.kind, key.id, last.to+1, r.from-1, here, before)
		case r.from <= last.to:
			a.result.violated("%s/%s: events %d to %d stand twice, at or behind %s and %s", key.kind, key.id, r.from, min(r.to, last.to),
				a.at(place{last.log, last.first}), here)
		case r.epoch < last.epoch:
			a.result.violated("%s/%s: event %d is of epoch %d, %s, the one before of epoch %d, %s", key.kind, key.id, r.from, r.epoch, here,
				last.epoch, a.at(place{last.log, last.last}))
		case r.log == last.log && i > 0 && r.first < last.last:
			a.result.violated("%s/%s: event %d stands before its predecessor, %s", key.kind, key.id, r.from, here)
		}
		if r.to > last.to {
			last = r
		}
	}
}

// at is a place in words.
func (a *logAudit) at(p place) string {
	return fmt.Sprintf("log %s entry %d", a.logs.list[p.log], p.entry)
}
