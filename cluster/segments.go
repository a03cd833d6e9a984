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
	rec.Segments = append(rec.Segments, &clusterv1.Segment{Log: string(log), From: uint64(from), Epoch: rec.GetEpoch()})
	return rec, nil
}

// released returns rec with its open segment closed, if this ownership opened
// it. One that an earlier ownership left open is left so: only a seal, or a
// flush of the own log, says where that ends.
func released(rec *clusterv1.Shard, to LogSeq) *clusterv1.Shard {
	rec = proto.CloneOf(rec)
	if seg, open := openSegment(rec); open && seg.GetEpoch() == rec.GetEpoch() {
		closeSegment(seg, to)
	}
	return rec
}

// releasedAt says whether rec has the segment of that epoch closed at entry to.
func releasedAt(rec *clusterv1.Shard, epoch Epoch, to LogSeq) bool {
	return slices.ContainsFunc(rec.GetSegments(), func(s *clusterv1.Segment) bool {
		return s.GetEpoch() == uint64(epoch) && s.To != nil && s.GetTo() == max(uint64(to), s.GetFrom()-1)
	})
}

// checkpointed returns rec with cp as its current checkpoint and without the
// segments that neither checkpoint needs. The first checkpoint replaces
// nothing: the second way to recover is the whole log then.
func checkpointed(rec *clusterv1.Shard, cp *clusterv1.Checkpoint) (*clusterv1.Shard, error) {
	if proto.Equal(rec.GetCurrent(), cp) {
		return rec, nil
	}
	at := segmentOf(rec, cp)
	switch {
	case cp.GetEpoch() != rec.GetEpoch():
		return nil, fmt.Errorf("the checkpoint is of epoch %d, the shard is at %d", cp.GetEpoch(), rec.GetEpoch())
	case at < 0:
		return nil, outsideError(cp)
	case cp.GetThrough().GetLog() != cp.GetFrom().GetLog():
		return nil, fmt.Errorf("the checkpoint begins in log %s and ends in log %s", cp.GetFrom().GetLog(), cp.GetThrough().GetLog())
	case rec.GetCurrent().GetEpoch() == cp.GetEpoch() && cp.GetFrom().GetSeq() < rec.GetCurrent().GetFrom().GetSeq():
		return nil, errors.New("the checkpoint begins before the current one")
	}
	rec = proto.CloneOf(rec)
	rec.Previous, rec.Current = rec.GetCurrent(), proto.CloneOf(cp)
	if keep := segmentOf(rec, rec.GetPrevious()); keep >= 0 {
		rec.Segments = rec.Segments[keep:]
		rec.Segments[0].From = rec.GetPrevious().GetFrom().GetSeq()
	}
	return rec, nil
}

// segmentOf returns the index of the segment that replay on top of cp begins
// in, or -1. It is the one of the checkpoint's epoch. The log alone would not
// do: a node that had the shard twice has two segments of one log, and where
// the first ends the second may begin, with another node's between them.
func segmentOf(rec *clusterv1.Shard, cp *clusterv1.Checkpoint) int {
	return slices.IndexFunc(rec.GetSegments(), func(s *clusterv1.Segment) bool {
		at := cp.GetFrom().GetSeq()
		return s.GetEpoch() == cp.GetEpoch() && s.GetLog() == cp.GetFrom().GetLog() &&
			// Right behind a closed segment is in it: nothing of it is left.
			s.GetFrom() <= at && (s.To == nil || at <= s.GetTo()+1)
	})
}

func outsideError(cp *clusterv1.Checkpoint) error {
	return fmt.Errorf("the checkpoint begins at entry %d of log %s, which is in no segment of its epoch, %d", cp.GetFrom().GetSeq(), cp.GetFrom().GetLog(), cp.GetEpoch())
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

// Stretch is a part of a log, both ends included. The shard's records in it are
// all of one epoch.
type Stretch struct {
	Log      LogName
	From, To LogSeq
	Epoch    Epoch
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
		i := segmentOf(rec, cp)
		if i < 0 {
			return nil, fmt.Errorf("replay: %w: %w", ErrRolledBack, outsideError(cp))
		}
		segs = segs[i:]
		segs[0].From = cp.GetFrom().GetSeq()
		if segs[0].GetTo() < cp.GetThrough().GetSeq() {
			return nil, fmt.Errorf("replay: %w: log %s ends with entry %d, before the checkpoint's last, %d", ErrRolledBack, segs[0].GetLog(), segs[0].GetTo(), cp.GetThrough().GetSeq())
		}
	}
	var out []Stretch
	for _, s := range segs {
		if s.GetFrom() <= s.GetTo() {
			out = append(out, Stretch{LogName(s.GetLog()), LogSeq(s.GetFrom()), LogSeq(s.GetTo()), Epoch(s.GetEpoch())})
		}
	}
	return out, nil
}
