package shard

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard/checkpoint"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// verification is one shard that is to be verified.
type verification struct {
	h   *hosted
	ask *cluster.Command

	// read is the shard's record, as it was before the state was looked at, and
	// record the same with the open segment closed.
	read, record *clusterv1.Shard
	// lost is what was not there when it was to be read.
	lost error
	// live are the actors in memory, and stamp is where the log ended then.
	live  map[actors.Ref]version
	stamp journal.Stamp
	// cut is where the shard's records end that were appended by then.
	cut   cut
	proof *clusterv1.ShardVerified
}

// version is an actor at one event.
type version struct {
	seq, hash uint64
}

// cut is a place in the own log: the shard's records in entries before, and so
// many of those in entry itself.
type cut struct {
	entry   cluster.LogSeq
	records int
}

// look takes the versions of all actors, and the log's end, in one turn.
func (v *verification) look(ctx context.Context) error {
	// Only the errand touches these until it is done, which may be after do gave
	// up waiting.
	live, stamp, failed := make(map[actors.Ref]version), journal.Stamp(0), error(nil)
	err := v.h.do(ctx, func(h *hosted) {
		if h.broken != nil {
			failed = errStopped
			return
		}
		stamp = h.inc.journal.End()
		for _, ref := range h.people.refs() {
			a, ok, err := h.people.capture(ref)
			if err != nil {
				failed = err
				return
			}
			if ok {
				live[ref] = version{a.Seq, a.Hash()}
			}
		}
	})
	if err != nil {
		return err
	}
	v.live, v.stamp = live, stamp
	return failed
}

// cutAll waits until all that was looked at is durable, and finds out where in
// the own log each shard's records end that were appended by then. Entry before
// was durable before the first look. It returns the last entry that it has read.
func (inc *incarnation) cutAll(ctx context.Context, before cluster.LogSeq, group []*verification) (last cluster.LogSeq, err error) {
	for _, v := range group {
		if err := inc.journal.Wait(ctx, v.stamp); err != nil {
			return 0, fmt.Errorf("wait for the log: %w", err)
		}
	}
	durable, last := inc.journal.DurableEnd()
	var shards [][]cluster.ShardID // of the records of each entry behind before
	total := 0
	if last > before {
		_, _, err = journal.Scan(ctx, inc.js, inc.logName, before+1, last, func(e *journal.Entry) error {
			of := make([]cluster.ShardID, len(e.Records))
			for i := range e.Records {
				of[i] = e.Records[i].Shard
			}
			shards = append(shards, of)
			total += len(of)
			return nil
		})
		if err != nil {
			return 0, fmt.Errorf("read log %s from %d to %d: %w", inc.logName, before+1, last, err)
		}
	}
	for _, v := range group {
		left := total - int(durable-v.stamp) // records behind before that were there
		v.cut = cut{entry: last + 1}
		for i, of := range shards {
			if left < len(of) {
				v.cut.entry = before + 1 + cluster.LogSeq(i)
				for _, s := range of[:left] {
					if s == v.h.id {
						v.cut.records++
					}
				}
				break
			}
			left -= len(of)
		}
	}
	return last, nil
}

// close closes the record's open segment, which is of the own log.
func (v *verification) close(log cluster.LogName, last cluster.LogSeq) {
	if n := len(v.record.GetSegments()); n > 0 && v.record.Segments[n-1].To == nil && v.record.Segments[n-1].GetLog() == string(log) {
		v.record.Segments[n-1].To = proto.Uint64(max(uint64(last), v.record.Segments[n-1].GetFrom()-1))
	}
	v.proof = &clusterv1.ShardVerified{
		Epoch: uint64(v.h.hold.Epoch), Actors: uint64(len(v.live)), Equal: true,
		Through: &clusterv1.Position{Log: string(log), Seq: uint64(last)},
	}
	for _, a := range v.live {
		v.proof.LiveHash += a.hash
	}
}

// base is what a recovery can begin with.
type base struct {
	name       string
	checkpoint *clusterv1.Checkpoint // nil: nothing
}

// bases are the current checkpoint, and what is fallen back to without it.
func (v *verification) bases() []base {
	begin := base{name: "first event"}
	current, previous := base{"current checkpoint", v.record.GetCurrent()}, base{"previous checkpoint", v.record.GetPrevious()}
	switch {
	case current.checkpoint == nil:
		return []base{begin}
	case previous.checkpoint == nil:
		return []base{current, begin}
	default:
		return []base{current, previous}
	}
}

// prove puts the state together from each base, and compares. What is wrong with
// the shard is part of the proof; the error is about reading.
func (inc *incarnation) prove(ctx context.Context, v *verification, tails map[cluster.LogName]tail) error {
	for _, b := range v.bases() {
		r := &recovery{shard: v.h.id, record: v.record, epoch: v.h.hold.Epoch + 1}
		r.reset(inc)
		stretches, err := cluster.Replay(v.record, b.checkpoint)
		if err == nil && b.checkpoint != nil {
			err = inc.loadParts(ctx, r, b.checkpoint)
		}
		if err == nil {
			err = r.replay(stretches, v.cut.apply(inc.logName, v.h.id, tails))
		}
		switch {
		case errors.Is(err, ErrCorrupt), errors.Is(err, checkpoint.ErrCorrupt), errors.Is(err, cluster.ErrRolledBack):
			v.differ("%s: %v", b.name, err)
			continue
		case err != nil:
			return err
		}
		if err := v.compare(b, stretches, r); err != nil {
			return err
		}
	}
	return nil
}

// apply returns tails without the shard's records behind the cut.
func (c cut) apply(log cluster.LogName, s cluster.ShardID, tails map[cluster.LogName]tail) map[cluster.LogName]tail {
	out := make(map[cluster.LogName]tail, len(tails))
	for name, t := range tails {
		out[name] = tail{s: t[s]}
	}
	all := out[log][s]
	n, _ := slices.BinarySearchFunc(all, c.entry, func(r tailRecord, entry cluster.LogSeq) int { return int(int64(r.seq) - int64(entry)) })
	if out[log] != nil {
		out[log][s] = all[:min(n+c.records, len(all))]
	}
	return out
}

// compare holds what was replayed against what was in memory.
func (v *verification) compare(b base, stretches []cluster.Stretch, r *recovery) error {
	replay := &clusterv1.ShardReplay{Base: b.name, Events: uint64(r.replayed)}
	v.proof.Replays = append(v.proof.Replays, replay)
	for _, s := range stretches {
		replay.Entries += uint64(s.To - s.From + 1)
	}
	for _, ref := range r.people.refs() {
		a, ok, err := r.people.capture(ref)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		replay.Actors++
		replay.Hash += a.Hash()
		switch live, known := v.live[ref]; {
		case !known:
			v.differ("%s: %s at event %d is not in memory", b.name, ref, a.Seq)
		case live != version{a.Seq, a.Hash()}:
			v.differ("%s: %s at event %d of hash %016x, in memory at event %d of hash %016x", b.name, ref, a.Seq, a.Hash(), live.seq, live.hash)
		}
	}
	if replay.Actors != v.proof.Actors || replay.Hash != v.proof.LiveHash {
		v.differ("%s: %d actors of hash %016x, in memory %d of hash %016x", b.name, replay.Actors, replay.Hash, v.proof.Actors, v.proof.LiveHash)
	}
	return nil
}

// differ notes a difference.
func (v *verification) differ(format string, args ...any) {
	v.proof.Equal = false
	if len(v.proof.Differences) < toldDifferences {
		v.proof.Differences = append(v.proof.Differences, fmt.Sprintf(format, args...))
	}
}
