package sim

import (
	"time"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// record is a record of the log, and the digest of its actor's events up to it.
type record struct {
	journal.Record
	before, digest uint64
}

// entry is an entry of a log.
type entry struct {
	by      cluster.Incarnation
	number  uint64
	seal    bool
	records []record
	end     uint64 // the node's stamp behind its last record
}

// stream is the model of a log's stream. The leader takes what it is asked to
// write, judging by what it has taken; what it has taken is committed, and only
// then answered, a while later; an election drops what is not.
type stream struct {
	w        *World
	name     cluster.LogName
	by       cluster.Incarnation
	entries  []*entry // committed: entry n at n-1
	proposed []*proposal
	busy     time.Duration  // until when the disk is
	purged   cluster.LogSeq // entries up to here are gone
	sealed   cluster.LogSeq // the first seal; 0: none
	gone     bool

	// kept counts the records before the first seal that a successor replays.
	kept uint64
}

type proposal struct {
	entry   *entry
	done    func(at cluster.LogSeq)
	dropped bool
}

// unconditional is the expected sequence of who expects none.
const unconditional = -1

// offer takes an entry behind expected. done is called when it is committed; it
// is not if offer returns false, for then it was refused.
func (s *stream) offer(expected int64, e *entry, done func(at cluster.LogSeq)) bool {
	if expected != unconditional && expected != int64(len(s.entries)+len(s.proposed)) {
		return false
	}
	p := &proposal{entry: e, done: done}
	s.proposed = append(s.proposed, p)
	s.busy = max(s.busy, s.w.now) + s.w.between(s.w.weather.sync/4, s.w.weather.sync)
	s.w.after(s.busy-s.w.now, func() {
		if !p.dropped {
			s.commit()
		}
	})
	return true
}

// commit makes the oldest proposal part of the log.
func (s *stream) commit() {
	p := s.proposed[0]
	s.proposed = s.proposed[1:]
	s.entries = append(s.entries, p.entry)
	at := s.end()
	if p.entry.seal && s.sealed == 0 {
		s.sealed = at
	}
	s.w.note(s.name, "has entry %d of %s, number %d with %d records, seal %t", at, p.entry.by, p.entry.number, len(p.entry.records), p.entry.seal)
	s.w.history.committed(s, at, p.entry)
	p.done(at)
}

// elect drops what is not committed, all of it or its end. What survives is
// committed without an answer.
func (s *stream) elect() {
	keep := s.w.rnd.IntN(len(s.proposed) + 1)
	for i, p := range s.proposed {
		p.dropped = p.dropped || i >= keep
		p.done = func(cluster.LogSeq) {}
	}
	s.proposed = s.proposed[:keep]
}

func (s *stream) end() cluster.LogSeq { return cluster.LogSeq(len(s.entries)) }

// valid is the last entry that counts.
func (s *stream) valid() cluster.LogSeq {
	if s.sealed > 0 {
		return s.sealed - 1
	}
	return s.end()
}

// purge drops entries below keepFrom.
func (s *stream) purge(keepFrom cluster.LogSeq) {
	if keepFrom = min(keepFrom, s.end()); keepFrom <= s.purged+1 {
		return
	}
	s.purged = keepFrom - 1
	s.w.counts.Purges++
	s.w.note(s.name, "is purged below %d", keepFrom)
	s.w.history.checkAll("a purge of " + string(s.name))
}

// remove deletes the log.
func (s *stream) remove() {
	s.gone = true
	delete(s.w.logs, s.name)
	s.w.note(s.name, "is deleted")
	s.w.history.checkAll("the end of " + string(s.name))
}

// sealBy is a request to end the log: whoever asks gets the first seal.
func (s *stream) sealBy(by cluster.Incarnation, reply func(any)) {
	s.offer(unconditional, &entry{by: by, seal: true}, func(at cluster.LogSeq) {
		if s.w.bug.is(believesBehindSeal) {
			reply(s.end())
			return
		}
		reply(s.sealed)
	})
}
