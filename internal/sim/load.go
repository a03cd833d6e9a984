package sim

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard/checkpoint"
)

// errUnloadable is wrapped by errors that stop a claim loudly.
var errUnloadable = errors.New("cannot be loaded")

// savedActor is an actor in a checkpoint.
type savedActor struct {
	checkpoint.Actor
	digest uint64
}

// loaded is a shard while it is put together.
type loaded struct {
	w      *World
	l      *life // that asks the servers; nil for who sees everything
	shard  cluster.ShardID
	epoch  cluster.Epoch
	people *people
}

// load brings a shard's state back, from its newest checkpoint and the log.
func (l *life) load(rec *clusterv1.Shard, s cluster.ShardID, epoch cluster.Epoch) (*loaded, error) {
	r := &loaded{w: l.w, l: l, shard: s, epoch: epoch, people: newPeople()}
	if err := r.checkpoint(rec.GetCurrent()); err != nil {
		return nil, err
	}
	stretches, err := cluster.Replay(rec, rec.GetCurrent())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnloadable, err)
	}
	return r, r.replay(stretches)
}

func (r *loaded) checkpoint(cp *clusterv1.Checkpoint) error {
	if cp == nil {
		return nil
	}
	w, name := r.w, cp.GetParts()[0].GetObject()
	a, ok := r.l.ask(w.logsAt(), time.Second, func(reply func(any)) { reply(w.objects[name]) })
	if !ok {
		return fmt.Errorf("read checkpoint: %w", cluster.ErrUnavailable)
	}
	return r.restore(a.(*object), cp)
}

// restore puts the actors of a checkpoint together.
func (r *loaded) restore(o *object, cp *clusterv1.Checkpoint) error {
	w, name := r.w, cp.GetParts()[0].GetObject()
	if o == nil {
		return fmt.Errorf("%w: checkpoint %s is gone", errUnloadable, name)
	}
	var hash uint64
	for _, saved := range o.actors {
		a := r.people.wake(w, actors.Ref{Kind: saved.Kind, ID: saved.ID})
		state := a.kind.State()
		if err := proto.Unmarshal(saved.State, state); err != nil {
			return fmt.Errorf("%w: %w", errUnloadable, err)
		}
		if err := a.behaviour.Restore(state); err != nil {
			return fmt.Errorf("%w: restore %s: %w", errUnloadable, a.ref, err)
		}
		a.seq, a.digest = saved.Seq, saved.digest
		hash += saved.Hash()
	}
	if hash != cp.GetStateHash() {
		return fmt.Errorf("%w: checkpoint %s has state hash %x, not %x", errUnloadable, name, hash, cp.GetStateHash())
	}
	return nil
}

// replay applies what stretches of logs hold of the shard.
func (r *loaded) replay(stretches []cluster.Stretch) error {
	for _, st := range stretches {
		a, ok := r.l.ask(r.w.logsAt(), time.Second, func(reply func(any)) {
			entries, err := r.w.scan(st)
			reply(scanned{entries, err})
		})
		if !ok {
			return fmt.Errorf("read log: %w", cluster.ErrUnavailable)
		}
		got := a.(scanned)
		if got.err != nil {
			return got.err
		}
		if err := r.take(st.Log, got.entries); err != nil {
			return err
		}
	}
	return nil
}

// take applies what entries of a log hold of the shard.
func (r *loaded) take(log cluster.LogName, entries []*entry) error {
	for _, e := range entries {
		for i := range e.records {
			if rec := &e.records[i]; rec.Shard == r.shard {
				if err := r.apply(rec); err != nil {
					return fmt.Errorf("%w: log %s: %s/%s event %d: %w", errUnloadable, log, rec.Kind, rec.ID, rec.Seq, err)
				}
			}
		}
	}
	return nil
}

type scanned struct {
	entries []*entry
	err     error
}

// scan is journal.Scan: the first seal ends a log, and entry numbers are
// contiguous.
func (w *World) scan(st cluster.Stretch) ([]*entry, error) {
	s := w.logs[st.Log]
	if s == nil {
		return nil, fmt.Errorf("%w: log %s is gone", errUnloadable, st.Log)
	}
	if st.From <= s.purged || st.To > s.end() {
		return nil, fmt.Errorf("%w: log %s does not hold %d to %d", errUnloadable, st.Log, st.From, st.To)
	}
	entries := s.entries[st.From-1 : st.To]
	if w.bug.is(believesBehindSeal) {
		return entries, nil
	}
	for i, e := range entries {
		at := st.From + cluster.LogSeq(i)
		switch {
		case e.seal && at == st.To:
			return entries[:i], nil
		case e.seal:
			return nil, fmt.Errorf("%w: log %s was sealed at %d, asked for up to %d", errUnloadable, st.Log, at, st.To)
		case e.number != uint64(at):
			return nil, fmt.Errorf("%w: log %s has number %d at %d", errUnloadable, st.Log, e.number, at)
		}
	}
	return entries, nil
}

// apply applies one event: what the actor has already is skipped, the next one
// applied, and a gap means that something is lost.
func (r *loaded) apply(rec *record) error {
	if rec.Epoch >= r.epoch {
		return fmt.Errorf("written at epoch %d, but this is epoch %d", rec.Epoch, r.epoch)
	}
	a := r.people.wake(r.w, actors.Ref{Kind: rec.Kind, ID: rec.ID})
	switch {
	case rec.Seq <= a.seq:
		return nil
	case rec.Seq > a.seq+1:
		return fmt.Errorf("events %d to %d are missing", a.seq+1, rec.Seq-1)
	}
	event := a.kind.Event()
	if err := proto.Unmarshal(rec.Event, event); err != nil {
		return err
	}
	if err := apply(a.behaviour, event); err != nil {
		return err
	}
	r.w.counts.Replayed++
	a.seq, a.digest = rec.Seq, extend(a.digest, rec.Event)
	return nil
}

// save is the actor as a checkpoint holds it.
func (a *resident) save() savedActor {
	state, err := proto.MarshalOptions{Deterministic: true}.Marshal(a.behaviour.Snapshot())
	if err != nil {
		panic(err)
	}
	return savedActor{Actor: checkpoint.Actor{Kind: a.ref.Kind, ID: a.ref.ID, Seq: a.seq, State: state}, digest: a.digest}
}

// hash is the state hash of the actors, as in a checkpoint.
func (p *people) hash() (sum uint64) {
	for _, a := range p.order {
		if a.seq > 0 {
			sum += a.save().Hash()
		}
	}
	return sum
}
