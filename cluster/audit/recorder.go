package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// errRefused: somebody else has written to the stream. Look again.
var errRefused = errors.New("the trail has grown")

// recorder copies changes of owners from etcd's history to the trail.
type recorder struct {
	trail *Trail
	view  *cluster.View
	me    cluster.Incarnation

	// end is the stream's last sequence as of the last look, tail that of the
	// last record of an owner by then, and cursor what is recorded with it.
	end, tail uint64
	cursor    cursor
}

// cursor says how much of the history is in the trail: every change of earlier
// revisions, and those of revision rev of shards up to shard.
type cursor struct {
	rev   int64
	shard cluster.ShardID
	// whole: the cursor is behind everything of rev.
	whole bool
}

// next is the first revision of which something may be missing.
func (c cursor) next() int64 {
	if c.whole {
		return c.rev + 1
	}
	return c.rev
}

func (c cursor) covers(o cluster.OwnerChange) bool {
	return o.Revision < c.rev || o.Revision == c.rev && (c.whole || o.Shard <= c.shard)
}

// run returns when ctx ends, and with any error but errRefused.
func (r *recorder) run(ctx context.Context) error {
	for {
		err := r.follow(ctx)
		if !errors.Is(err, errRefused) {
			return err
		}
	}
}

// follow looks where the trail ends, and goes on from there.
func (r *recorder) follow(ctx context.Context) error {
	last, err := r.look(ctx)
	if err != nil {
		return err
	}
	found := last != nil && (last.GetEvent() == clusterv1.OwnerEvent_OWNER_EVENT_FOUND || last.GetEvent() == clusterv1.OwnerEvent_OWNER_EVENT_GAP)
	switch {
	case last == nil, found && last.GetComplete() == 0:
		// Nothing is recorded, or somebody died over a survey.
		err = r.survey(ctx)
	case found:
		r.cursor = cursor{rev: last.GetComplete(), whole: true}
	default:
		r.cursor = cursor{rev: last.GetRevision(), shard: cluster.ShardID(last.GetShard())}
	}
	for err == nil {
		err = r.view.FollowOwners(ctx, r.cursor.next(), func(c cluster.OwnerChange) error { return r.record(ctx, c) })
		if errors.Is(err, cluster.ErrHistoryGone) {
			err = r.survey(ctx)
		}
	}
	return err
}

// look reads where the stream ends, and the last record of an owner in it, nil
// when there is none.
func (r *recorder) look(ctx context.Context) (*clusterv1.OwnerRecord, error) {
	info, err := r.trail.stream.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("look at the trail: %w", err)
	}
	// Read after the end: so nothing up to there is behind the record.
	r.end = info.State.LastSeq
	last := new(clusterv1.OwnerRecord)
	seq, err := r.trail.last(ctx, r.trail.owners(), last)
	if err != nil {
		return nil, fmt.Errorf("look at the trail: %w", err)
	}
	if r.tail = seq; seq == 0 {
		return nil, nil
	}
	return last, nil
}

// record puts one change behind the end that was looked at.
func (r *recorder) record(ctx context.Context, c cluster.OwnerChange) error {
	if r.cursor.covers(c) {
		return nil
	}
	rec := &clusterv1.OwnerRecord{
		Shard:    uint32(c.Shard),
		Event:    clusterv1.OwnerEvent_OWNER_EVENT_OWNED,
		Revision: c.Revision,
		Owner:    c.Owner,
		Was:      c.Was,
		Epoch:    c.Owner.GetEpoch(),
	}
	if c.Owner == nil {
		rec.Event, rec.Epoch = clusterv1.OwnerEvent_OWNER_EVENT_NOBODY, c.Was.GetEpoch()
	}
	if err := r.put(ctx, rec); err != nil {
		return err
	}
	r.cursor = cursor{rev: c.Revision, shard: c.Shard}
	return nil
}

// put publishes a record, unless another recorder was faster.
func (r *recorder) put(ctx context.Context, rec *clusterv1.OwnerRecord) error {
	rec.Recorded = timestamppb.New(r.trail.now())
	rec.At = rec.GetRecorded()
	if since := rec.GetOwner().GetSince(); since != nil {
		rec.At = since
	}
	rec.Recorder = string(r.me)
	subject := r.trail.owner(cluster.ShardID(rec.GetShard()))
	for {
		seq, err := r.trail.publish(ctx, subject, rec, jetstream.WithExpectLastSequence(r.end))
		if err == nil {
			r.end, r.tail = seq, seq
			return nil
		}
		if !refused(err) {
			return fmt.Errorf("record the owner of shard %d: %w", rec.GetShard(), err)
		}
		tail := r.tail
		if _, err := r.look(ctx); err != nil {
			return err
		}
		if r.tail != tail {
			return errRefused
		}
		// It was a receipt that came in between, or a plan.
	}
}

// survey records how things stand, for every shard of which the trail does not
// say so, and puts the cursor behind it. It is for the beginning of a trail, and
// for when etcd has forgotten what happened.
func (r *recorder) survey(ctx context.Context) error {
	states, rev, err := r.view.Ownerships(ctx)
	if err != nil {
		return err
	}
	var recs []*clusterv1.OwnerRecord
	for _, now := range states {
		var was clusterv1.OwnerRecord
		seq, err := r.trail.last(ctx, r.trail.owner(now.Shard), &was)
		if err != nil {
			return fmt.Errorf("look at the trail: %w", err)
		}
		if rec := surveyed(now, &was, seq != 0); rec != nil {
			recs = append(recs, rec)
		}
	}
	for i, rec := range recs {
		if i == len(recs)-1 {
			rec.Complete = rev
		}
		if err := r.put(ctx, rec); err != nil {
			return err
		}
	}
	r.cursor = cursor{rev: rev, whole: true}
	return nil
}

// surveyed returns the record that a shard's present state needs if was, when
// known, is the last in the trail; nil when that says as much.
func surveyed(now cluster.Ownership, was *clusterv1.OwnerRecord, known bool) *clusterv1.OwnerRecord {
	rec := &clusterv1.OwnerRecord{
		Shard:    uint32(now.Shard),
		Event:    clusterv1.OwnerEvent_OWNER_EVENT_FOUND,
		Revision: now.Revision,
		Owner:    now.Owner,
		Epoch:    uint64(now.Epoch),
	}
	if !known {
		return rec
	}
	// An epoch is one ownership. If it is the same, and the shard is still owned
	// or still is not, then nothing has happened.
	if was.GetEpoch() == rec.GetEpoch() && (was.GetOwner() == nil) == (rec.GetOwner() == nil) {
		return nil
	}
	rec.Event = clusterv1.OwnerEvent_OWNER_EVENT_GAP
	rec.Was = was.GetOwner()
	return rec
}
