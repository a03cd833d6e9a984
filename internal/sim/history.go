package sim

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/etcdmodel"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// history is who sees everything: what is in etcd and in the logs, and so what a
// successor of any node would find. It checks the invariants of ownership
// whenever something changes that they speak of.
type history struct {
	w      *World
	shards []shardHistory
	books  *books
}

// shardHistory is the truth about one shard.
type shardHistory struct {
	owner  *clusterv1.Owner // as in etcd; nil: nobody
	record *clusterv1.Shard
	epoch  cluster.Epoch // the highest that there ever was
	// actors are how far each actor has come, by all that is committed.
	actors map[actors.Ref]mark
	// speaks is who has released outputs at each epoch.
	speaks map[cluster.Epoch]cluster.Incarnation
}

// mark is a position in an actor's events.
type mark struct{ seq, digest uint64 }

func newHistory(w *World) *history {
	h := &history{w: w, books: newBooks(w)}
	for range w.weather.shards {
		h.shards = append(h.shards, shardHistory{
			record: new(clusterv1.Shard), actors: make(map[actors.Ref]mark), speaks: make(map[cluster.Epoch]cluster.Incarnation),
		})
	}
	return h
}

// owns says whether an ownership stands.
func (h *history) owns(s cluster.ShardID, e cluster.Epoch, by cluster.Incarnation) bool {
	o := h.shards[s].owner
	return o != nil && o.GetIncarnation() == string(by) && cluster.Epoch(o.GetEpoch()) == e
}

// changed looks at what is new in etcd.
func (h *history) changed(events []etcdmodel.Event) {
	for _, e := range events {
		rest, ours := strings.CutPrefix(e.Key, cluster.SimulatedPrefix)
		if !ours {
			continue
		}
		if name, ok := strings.CutPrefix(rest, "/owners/"); ok {
			h.ownerChanged(number(name), e)
		} else if name, ok := strings.CutPrefix(rest, "/shards/"); ok {
			h.recordChanged(number(name), e)
		}
	}
	for s := range h.shards {
		x := &h.shards[s]
		if x.owner != nil && x.owner.GetEpoch() != x.record.GetEpoch() {
			h.w.violated("shard %d is owned at epoch %d, its record is at %d", s, x.owner.GetEpoch(), x.record.GetEpoch())
		}
	}
}

func number(name string) int {
	n, err := strconv.Atoi(name)
	if err != nil {
		panic(fmt.Sprintf("sim: a key names shard %q", name))
	}
	return n
}

func decode(e etcdmodel.Event, m proto.Message) {
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(e.Value, m); err != nil {
		panic(fmt.Sprintf("sim: %s: %v", e.Key, err))
	}
}

func (h *history) ownerChanged(s int, e etcdmodel.Event) {
	x := &h.shards[s]
	if e.Deleted {
		x.owner = nil
		return
	}
	x.owner = new(clusterv1.Owner)
	decode(e, x.owner)
	if epoch := cluster.Epoch(x.owner.GetEpoch()); epoch <= x.epoch {
		h.w.violated("shard %d is given to %s at epoch %d, there was %d before", s, x.owner.GetIncarnation(), epoch, x.epoch)
	} else {
		x.epoch = epoch
	}
}

func (h *history) recordChanged(s int, e etcdmodel.Event) {
	x := &h.shards[s]
	was := x.record
	x.record = new(clusterv1.Shard)
	decode(e, x.record)
	if x.record.GetEpoch() < was.GetEpoch() {
		h.w.violated("the record of shard %d goes back from epoch %d to %d", s, was.GetEpoch(), x.record.GetEpoch())
	}
	h.check(s, "the new record of its shard")
}

// checkAll checks all shards.
func (h *history) checkAll(after string) {
	for s := range h.shards {
		h.check(s, after)
	}
}

// check compares what a successor would find of a shard with what was committed:
// from the current checkpoint, from the previous one, and from nothing while that
// is possible.
func (h *history) check(s int, after string) {
	if h.w.broken != nil {
		return
	}
	x := &h.shards[s]
	rec := h.closed(x.record)
	from := []*clusterv1.Checkpoint{rec.GetCurrent()}
	switch {
	case rec.GetPrevious() != nil:
		from = append(from, rec.GetPrevious())
	case rec.GetCurrent() != nil:
		from = append(from, nil)
	}
	for _, cp := range from {
		found, err := h.replay(rec, cluster.ShardID(s), cp)
		if err != nil {
			h.w.violated("after %s, a successor cannot load shard %d: %v", after, s, err)
			return
		}
		if diff := compare(found, x.actors); diff != "" {
			h.w.violated("after %s, a successor finds another shard %d: %s", after, s, diff)
			return
		}
	}
}

// closed is a record with its open segment closed where its log ends now.
func (h *history) closed(rec *clusterv1.Shard) *clusterv1.Shard {
	n := len(rec.GetSegments())
	if n == 0 || rec.Segments[n-1].To != nil {
		return rec
	}
	last := rec.Segments[n-1]
	end := last.GetFrom() - 1
	if s := h.w.logs[cluster.LogName(last.GetLog())]; s != nil {
		end = max(end, uint64(s.valid()))
	}
	segments := append([]*clusterv1.Segment(nil), rec.Segments...)
	segments[n-1] = &clusterv1.Segment{Log: last.GetLog(), From: last.GetFrom(), To: &end, Epoch: last.GetEpoch()}
	return &clusterv1.Shard{Epoch: rec.GetEpoch(), Current: rec.GetCurrent(), Previous: rec.GetPrevious(), Segments: segments}
}

func (h *history) replay(rec *clusterv1.Shard, s cluster.ShardID, cp *clusterv1.Checkpoint) (map[actors.Ref]mark, error) {
	stretches, err := cluster.Replay(rec, cp)
	if err != nil {
		return nil, err
	}
	found := make(map[actors.Ref]mark, len(h.shards[s].actors))
	if cp != nil {
		o := h.w.objects[cp.GetParts()[0].GetObject()]
		if o == nil {
			return nil, fmt.Errorf("checkpoint %s is gone", cp.GetParts()[0].GetObject())
		}
		for _, a := range o.actors {
			found[actors.Ref{Kind: a.Kind, ID: a.ID}] = mark{a.Seq, a.digest}
		}
	}
	for _, st := range stretches {
		log := h.w.logs[st.Log]
		if log == nil || st.From <= log.purged || st.To > log.end() {
			return nil, fmt.Errorf("log %s does not hold %d to %d", st.Log, st.From, st.To)
		}
		for _, e := range log.entries[st.From-1 : max(st.From-1, min(st.To, log.valid()))] {
			for i := range e.records {
				r := &e.records[i]
				if r.Shard != s {
					continue
				}
				ref := actors.Ref{Kind: r.Kind, ID: r.ID}
				have := found[ref]
				switch {
				case r.Epoch != st.Epoch:
					return nil, fmt.Errorf("log %s has a record of epoch %d in a segment of %d", st.Log, r.Epoch, st.Epoch)
				case r.Seq <= have.seq:
				case r.Seq > have.seq+1:
					return nil, fmt.Errorf("%s: events %d to %d are missing", ref, have.seq+1, r.Seq-1)
				default:
					found[ref] = mark{r.Seq, r.digest}
				}
			}
		}
	}
	return found, nil
}

// compare says how two states differ, "" if they do not.
func compare(found, want map[actors.Ref]mark) string {
	worst := ""
	for ref, m := range want {
		if found[ref] != m {
			worst = max(worst, fmt.Sprintf("%s has %d events there (%x), not %d (%x)", ref, found[ref].seq, found[ref].digest, m.seq, m.digest))
		}
	}
	if worst == "" && len(found) != len(want) {
		worst = fmt.Sprintf("it has %d actors, not %d", len(found), len(want))
	}
	return worst
}

// committed looks at an entry that has become part of a log.
func (h *history) committed(s *stream, at cluster.LogSeq, e *entry) {
	if s.sealed > 0 {
		return // the seal itself, or void
	}
	if e.by != s.by || e.number != uint64(at) {
		h.w.violated("log %s has entry number %d of %s at %d", s.name, e.number, e.by, at)
		return
	}
	for i := range e.records {
		r := &e.records[i]
		x := &h.shards[r.Shard]
		ref := actors.Ref{Kind: r.Kind, ID: r.ID}
		if !covered(x.record, s.name, at, r.Epoch) {
			h.w.violated("%s has event %d of %s of shard %d at epoch %d in entry %d: no successor reads that", s.name, r.Seq, ref, r.Shard, r.Epoch, at)
			return
		}
		if have := x.actors[ref]; r.Seq != have.seq+1 || r.before != have.digest {
			h.w.violated("%s has event %d of %s upon %x, it has %d events (%x)", s.name, r.Seq, ref, r.before, have.seq, have.digest)
			return
		}
		x.actors[ref] = mark{r.Seq, r.digest}
		s.kept++
		h.w.counts.Records++
		h.books.post(r)
	}
}

// covered says whether a record has a segment that an entry is in.
func covered(rec *clusterv1.Shard, log cluster.LogName, at cluster.LogSeq, e cluster.Epoch) bool {
	for _, seg := range rec.GetSegments() {
		if seg.GetLog() == string(log) && cluster.Epoch(seg.GetEpoch()) == e && seg.GetFrom() <= uint64(at) && (seg.To == nil || uint64(at) <= seg.GetTo()) {
			return true
		}
	}
	return false
}

// released looks at what leaves a node: everything that it may rest on must be
// in what successors replay.
func (h *history) released(l *life, o *output) {
	h.w.counts.Outputs++
	if o.stamp > l.log.stream.kept {
		h.w.violated("an output of shard %d leaves %s at record %d, its log has %d", o.shard, l.inc, o.stamp, l.log.stream.kept)
		return
	}
	if o.epoch == 0 {
		return
	}
	x := &h.shards[o.shard]
	if by, ok := x.speaks[o.epoch]; ok && by != l.inc {
		h.w.violated("%s and %s release outputs of shard %d at epoch %d", by, l.inc, o.shard, o.epoch)
	}
	x.speaks[o.epoch] = l.inc
}

// hosted looks at a shard that begins to be served: it must have all its history.
func (h *history) hosted(x *hosted) {
	if !h.owns(x.id, x.hold.Epoch, x.l.inc) {
		return // overtaken: whatever it appends is refused
	}
	found := make(map[actors.Ref]mark, len(x.people.order))
	for _, a := range x.people.order {
		found[a.ref] = mark{a.seq, a.digest}
	}
	if diff := compare(found, h.shards[x.id].actors); diff != "" {
		h.w.violated("%s serves shard %d at epoch %d with another history: %s", x.l.inc, x.id, x.hold.Epoch, diff)
	}
}

// left looks at a message that one actor of a node wrote to another, and that
// leaves the node because the other has been moved away.
func (h *history) left(l *life, m *letter) {
	if m.stamp > l.log.stream.kept {
		h.w.violated("a message from %s to %s leaves %s, which rests on record %d; its log has %d", m.From, m.To, l.inc, m.stamp, l.log.stream.kept)
	}
}
