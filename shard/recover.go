package shard

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard/checkpoint"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// recovery is the state of one shard while it is put together again from its
// checkpoint and the log entries since.
type recovery struct {
	shard  cluster.ShardID
	record *clusterv1.Shard      // its segments are all closed
	epoch  cluster.Epoch         // of this claim
	from   *clusterv1.Checkpoint // the checkpoint it began with; nil when there was none
	// stale: the current checkpoint could not be read, so the next one must not
	// be a difference to it.
	stale  bool
	people *population
	// captured holds each actor's share of the state hash as the checkpoint has
	// it, for the differences that will be written upon it.
	captured map[actors.Ref]uint64
	replayed int
	// tail is how many bytes of log were replayed, for all shards together: what
	// a crash right now would make the next owner replay again.
	tail int64
}

// loadCheckpoint fills the population from the newest checkpoint that can be
// read. Only a damaged or missing object makes it fall back to the previous one.
func (inc *incarnation) loadCheckpoint(ctx context.Context, r *recovery) error {
	for _, cp := range []*clusterv1.Checkpoint{r.record.GetCurrent(), r.record.GetPrevious()} {
		if cp == nil {
			break
		}
		err := inc.loadParts(ctx, r, cp)
		if err == nil {
			r.from = cp
			return nil
		}
		if !errors.Is(err, checkpoint.ErrCorrupt) && !errors.Is(err, checkpoint.ErrNotFound) && !errors.Is(err, ErrCorrupt) {
			return fmt.Errorf("load checkpoint: %w", err)
		}
		r.stale = true
		inc.metrics.checkpointErrors.Inc()
		inc.log.Error("checkpoint cannot be used", "shard", r.shard, "taken", cp.GetTaken().AsTime(), "err", err)
	}
	if r.record.GetCurrent() != nil {
		return fmt.Errorf("load checkpoint: %w: neither the current nor the previous one can be read", ErrCorrupt)
	}
	r.reset(inc)
	return nil
}

func (r *recovery) reset(inc *incarnation) {
	r.people = newPopulation(inc.cfg.Kinds, inc.cfg.LiveActors/len(inc.shards), inc.metrics)
	r.captured = make(map[actors.Ref]uint64)
}

// loadParts reads a checkpoint's base and differences, and compares the state
// hash with the one that was taken when it was written.
func (inc *incarnation) loadParts(ctx context.Context, r *recovery, cp *clusterv1.Checkpoint) error {
	r.reset(inc)
	err := inc.store.Read(ctx, cp.GetParts(), func(a checkpoint.Actor) error {
		ref := actors.Ref{Kind: a.Kind, ID: a.ID}
		r.people.passive[ref] = passive{seq: a.Seq, state: a.State}
		r.captured[ref] = a.Hash()
		return nil
	})
	if err != nil {
		return err
	}
	var hash uint64
	for _, h := range r.captured {
		hash += h
	}
	if hash != cp.GetStateHash() {
		return fmt.Errorf("%w: state hash is %016x, the checkpoint was taken at %016x", ErrCorrupt, hash, cp.GetStateHash())
	}
	return nil
}

// tail holds the records of one log that some shards need, by shard, each with
// the entry it stands in.
type tail map[cluster.ShardID][]tailRecord

// recordOverhead is about what a record takes in the log besides its event.
const recordOverhead = 24

type tailRecord struct {
	seq cluster.LogSeq
	journal.Record
}

// take keeps an entry's records of the shards that are needed, and returns their
// size.
func (t tail) take(e *journal.Entry, needed func(cluster.ShardID) bool) (bytes int64) {
	for _, r := range e.Records {
		if needed(r.Shard) {
			t[r.Shard] = append(t[r.Shard], tailRecord{seq: e.Seq, Record: r})
			bytes += int64(len(r.Event) + recordOverhead)
		}
	}
	return bytes
}

// followTail reads what the owner of a shard has just said to be durable.
func (inc *incarnation) followTail(ctx context.Context, s cluster.ShardID, st cluster.Stretch) (_ tail, bytes int64, _ error) {
	t := make(tail)
	err := journal.Follow(ctx, inc.js, st.Log, st.From, st.To, func(e *journal.Entry) error {
		bytes += t.take(e, func(of cluster.ShardID) bool { return of == s })
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read log %s from %d to %d: %w", st.Log, st.From, st.To, err)
	}
	return t, bytes, nil
}

// readTails reads every log that the recoveries need once, however many of them
// need it. The records are kept in memory: they are what came since the last
// checkpoints.
func (inc *incarnation) readTails(ctx context.Context, needs map[cluster.ShardID][]cluster.Stretch) (_ map[cluster.LogName]tail, bytes int64, _ error) {
	ranges := make(map[cluster.LogName]cluster.Stretch)
	for _, stretches := range needs {
		for _, s := range stretches {
			r, ok := ranges[s.Log]
			if !ok {
				r = s
			}
			r.From, r.To = min(r.From, s.From), max(r.To, s.To)
			ranges[s.Log] = r
		}
	}
	tails := make(map[cluster.LogName]tail, len(ranges))
	for name, s := range ranges {
		t := make(tail)
		_, _, err := journal.Scan(ctx, inc.js, name, s.From, s.To, func(e *journal.Entry) error {
			bytes += t.take(e, func(s cluster.ShardID) bool { _, needed := needs[s]; return needed })
			return nil
		})
		if err != nil {
			return nil, 0, fmt.Errorf("read log %s from %d to %d: %w", name, s.From, s.To, err)
		}
		tails[name] = t
	}
	return tails, bytes, nil
}

// replay applies a shard's records, in the order of its stretches.
func (r *recovery) replay(stretches []cluster.Stretch, tails map[cluster.LogName]tail) error {
	for _, s := range stretches {
		for i := range tails[s.Log][r.shard] {
			rec := &tails[s.Log][r.shard][i]
			if rec.seq < s.From || rec.seq > s.To {
				continue
			}
			if err := r.applyRecord(&rec.Record); err != nil {
				return fmt.Errorf("%w: log %s entry %d: %s/%s event %d: %w", ErrCorrupt, s.Log, rec.seq, rec.Kind, rec.ID, rec.Seq, err)
			}
		}
	}
	return nil
}

// applyRecord applies one event: what the actor has already is skipped, the next
// one applied, and a gap means that something is lost.
func (r *recovery) applyRecord(rec *journal.Record) error {
	if rec.Epoch >= r.epoch {
		return fmt.Errorf("written at epoch %d, but this claim is epoch %d: etcd was restored from an older copy", rec.Epoch, r.epoch)
	}
	a, err := r.people.wake(actors.Ref{Kind: rec.Kind, ID: rec.ID})
	if err != nil {
		return err
	}
	switch {
	case rec.Seq <= a.seq:
		return nil
	case rec.Seq > a.seq+1:
		return fmt.Errorf("events %d to %d are missing", a.seq+1, rec.Seq-1)
	}
	event := a.kind.Event()
	if err := proto.Unmarshal(rec.Event, event); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	if err := apply(a.behaviour, event); err != nil {
		return err
	}
	a.seq++
	r.people.dirty[a.ref] = struct{}{}
	r.replayed++
	return r.people.trim()
}

// loaders bounds how many checkpoints are read at once: enough to keep the
// cores busy, few enough to bound the memory that decompressing takes.
const loaders = 4

// load brings the state of several shards back to memory. An error of one shard
// is its own; an error of a log concerns all shards that need it.
func (inc *incarnation) load(ctx context.Context, group []*takeover) {
	start := time.Now()
	errs := make(map[*takeover]error)
	var mu sync.Mutex
	each := func(f func(*recovery) error) {
		var g errgroup.Group
		g.SetLimit(loaders)
		for _, t := range group {
			g.Go(func() error {
				mu.Lock()
				failed := errs[t] != nil
				mu.Unlock()
				if failed {
					return nil
				}
				if err := f(t.rec); err != nil {
					mu.Lock()
					defer mu.Unlock()
					errs[t] = err
				}
				return nil
			})
		}
		_ = g.Wait() // each shard's error is in errs
	}
	for _, t := range group {
		t.rec = &recovery{shard: t.shard, record: t.effect.Record, epoch: t.effect.Epoch}
	}
	each(func(r *recovery) error { return inc.loadCheckpoint(ctx, r) })
	checkpoints := time.Since(start)
	needs := make(map[cluster.ShardID][]cluster.Stretch)
	for _, t := range group {
		if errs[t] == nil {
			needs[t.shard], errs[t] = cluster.Replay(t.rec.record, t.rec.from)
		}
	}
	tails, bytes, err := inc.readTails(ctx, needs)
	logs := time.Since(start) - checkpoints
	each(func(r *recovery) error {
		if err != nil && len(needs[r.shard]) > 0 {
			return err
		}
		return r.replay(needs[r.shard], tails)
	})
	found, replayed := 0, 0
	for _, t := range group {
		if errs[t] == nil {
			found += t.rec.people.count()
			replayed += t.rec.replayed
			t.rec.tail = bytes
		}
		t.answer(cluster.ClaimInput{Err: errs[t]})
	}
	inc.metrics.replayed.Add(float64(replayed))
	inc.log.Info("loaded", "shards", len(group), "actors", found, "replayed", replayed, "bytes", bytes,
		"checkpoints", checkpoints.Round(time.Millisecond), "logs", logs.Round(time.Millisecond), "took", time.Since(start).Round(time.Millisecond))
}
