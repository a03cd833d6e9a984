package cluster

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// A shard's record lists the stretches of logs that hold its events, oldest
// first. Only the last may be open, and a seal or its owner's release closes
// it. A checkpoint replaces what lies before it: the record begins where the
// older of the two checkpoints does.

// openSegment returns the last segment if it is open.
func openSegment(rec *clusterv1.Shard) (*clusterv1.Segment, bool) {
	if n := len(rec.GetSegments()); n > 0 && rec.Segments[n-1].To == nil {
		return rec.Segments[n-1], true
	}
	return nil, false
}

// closeSegment closes a segment with entry to, or as empty when to lies before
// its beginning.
func closeSegment(seg *clusterv1.Segment, to LogSeq) {
	seg.To = proto.Uint64(max(uint64(to), seg.GetFrom()-1))
}

// served returns rec with its open segment closed and a new one opened. Only in
// the same log a segment can end at entry 0: no other can have been sealed there.
func served(rec *clusterv1.Shard, closeAt LogSeq, log LogName, from LogSeq) (*clusterv1.Shard, error) {
	rec = proto.CloneOf(rec)
	seg, open := openSegment(rec)
	switch {
	case log == "" || from == 0:
		return nil, errors.New("a segment needs a log and its first entry")
	case open && closeAt == 0 && seg.GetLog() != string(log):
		return nil, fmt.Errorf("log %s is open from entry %d and nobody says where it ends", seg.GetLog(), seg.GetFrom())
	case !open && closeAt != 0:
		return nil, errors.New("no segment is open that could be closed")
	case open:
		closeSegment(seg, closeAt)
	}
	rec.Segments = append(rec.Segments, &clusterv1.Segment{Log: string(log), From: uint64(from)})
	return rec, nil
}

// released returns rec with its open segment closed, if that is of this log.
func released(rec *clusterv1.Shard, log LogName, to LogSeq) *clusterv1.Shard {
	rec = proto.CloneOf(rec)
	if seg, open := openSegment(rec); open && seg.GetLog() == string(log) {
		closeSegment(seg, to)
	}
	return rec
}

// endsAt says whether rec has a segment of log that is closed at entry to.
func endsAt(rec *clusterv1.Shard, log LogName, to LogSeq) bool {
	return slices.ContainsFunc(rec.GetSegments(), func(s *clusterv1.Segment) bool {
		return s.GetLog() == string(log) && s.To != nil && s.GetTo() == max(uint64(to), s.GetFrom()-1)
	})
}

// checkpointed returns rec with cp as its current checkpoint and without the
// segments that neither checkpoint needs. The first checkpoint replaces
// nothing: the second way to recover is the whole log then.
func checkpointed(rec *clusterv1.Shard, cp *clusterv1.Checkpoint) (*clusterv1.Shard, error) {
	if proto.Equal(rec.GetCurrent(), cp) {
		return rec, nil
	}
	at := segmentOf(rec.GetSegments(), cp.GetFrom())
	switch {
	case cp.GetEpoch() != rec.GetEpoch():
		return nil, fmt.Errorf("the checkpoint is of epoch %d, the shard is at %d", cp.GetEpoch(), rec.GetEpoch())
	case at < 0:
		return nil, fmt.Errorf("the checkpoint begins at entry %d of log %s, in none of the shard's segments", cp.GetFrom().GetSeq(), cp.GetFrom().GetLog())
	case cp.GetThrough().GetLog() != cp.GetFrom().GetLog():
		return nil, fmt.Errorf("the checkpoint begins in log %s and ends in log %s", cp.GetFrom().GetLog(), cp.GetThrough().GetLog())
	}
	if rec.GetCurrent() != nil {
		old := segmentOf(rec.GetSegments(), rec.GetCurrent().GetFrom())
		if at < old || at == old && cp.GetFrom().GetSeq() < rec.GetCurrent().GetFrom().GetSeq() {
			return nil, fmt.Errorf("the checkpoint begins before the current one")
		}
	}
	rec = proto.CloneOf(rec)
	rec.Previous, rec.Current = rec.GetCurrent(), proto.CloneOf(cp)
	if keep := rec.GetPrevious().GetFrom(); keep != nil {
		if i := segmentOf(rec.Segments, keep); i >= 0 {
			rec.Segments = rec.Segments[i:]
			rec.Segments[0].From = keep.GetSeq()
		}
	}
	return rec, nil
}

// segmentOf returns the index of the last segment that replay from p can begin
// in, or -1. A position right behind a closed segment is in it: nothing of it
// is left to replay.
func segmentOf(segs []*clusterv1.Segment, p *clusterv1.Position) int {
	for i := len(segs) - 1; i >= 0; i-- {
		s := segs[i]
		if s.GetLog() == p.GetLog() && s.GetFrom() <= p.GetSeq() && (s.To == nil || p.GetSeq() <= s.GetTo()+1) {
			return i
		}
	}
	return -1
}

// dropped lists the objects that old names and next does not.
func dropped(old, next *clusterv1.Shard) []string {
	named := make(map[string]bool)
	for _, p := range slices.Concat(next.GetCurrent().GetParts(), next.GetPrevious().GetParts()) {
		named[p.GetObject()] = true
	}
	var out []string
	for _, p := range slices.Concat(old.GetCurrent().GetParts(), old.GetPrevious().GetParts()) {
		if !named[p.GetObject()] {
			named[p.GetObject()] = true
			out = append(out, p.GetObject())
		}
	}
	return out
}

// lowestFrom returns the smallest entry of a log that a record still needs.
func lowestFrom(rec *clusterv1.Shard, log LogName) (LogSeq, bool) {
	var (
		low   LogSeq
		named bool
	)
	need := func(l string, seq uint64) {
		if l == string(log) && (!named || LogSeq(seq) < low) {
			low, named = LogSeq(seq), true
		}
	}
	for _, s := range rec.GetSegments() {
		need(s.GetLog(), s.GetFrom())
	}
	for _, cp := range []*clusterv1.Checkpoint{rec.GetCurrent(), rec.GetPrevious()} {
		need(cp.GetFrom().GetLog(), cp.GetFrom().GetSeq())
	}
	return low, named
}

// Stretch is a part of a log, both ends included.
type Stretch struct {
	Log      LogName
	From, To LogSeq
}

// Replay returns what must be replayed, in this order, on top of a checkpoint
// of the record, or on top of nothing when cp is nil. All segments must be
// closed. The error is ErrRolledBack when a log ends before the checkpoint does.
func Replay(rec *clusterv1.Shard, cp *clusterv1.Checkpoint) ([]Stretch, error) {
	if seg, open := openSegment(rec); open {
		return nil, fmt.Errorf("replay: log %s is open from entry %d", seg.GetLog(), seg.GetFrom())
	}
	if cp == nil && rec.GetPrevious() != nil {
		return nil, errors.New("replay: the segments no longer go back to the shard's beginning")
	}
	segs := proto.CloneOf(rec).GetSegments()
	if cp != nil {
		from, through := cp.GetFrom(), cp.GetThrough()
		i := segmentOf(segs, from)
		if i < 0 {
			return nil, fmt.Errorf("replay: %w: the checkpoint begins at entry %d of log %s, in none of the shard's segments", ErrRolledBack, from.GetSeq(), from.GetLog())
		}
		segs = segs[i:]
		segs[0].From = from.Seq
		if segs[0].GetTo() < through.GetSeq() {
			return nil, fmt.Errorf("replay: %w: log %s ends with entry %d, before the checkpoint's last, %d", ErrRolledBack, segs[0].GetLog(), segs[0].GetTo(), through.GetSeq())
		}
	}
	var out []Stretch
	for _, s := range segs {
		if s.GetFrom() <= s.GetTo() {
			out = append(out, Stretch{LogName(s.GetLog()), LogSeq(s.GetFrom()), LogSeq(s.GetTo())})
		}
	}
	return out, nil
}
