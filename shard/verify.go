package shard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard/checkpoint"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// MethodVerify asks a shard (cluster.ShardActor) to prove that what is durable
// gives its state: the request is a clusterv1.VerifyShard, the answer a
// clusterv1.ShardVerified. For operators only.
//
// The state is looked at in one turn, as for an audit. What it is compared with
// is read and put together elsewhere, while the shard goes on.
const MethodVerify = "verify"

const (
	// verifyQueue bounds the shards that wait to be verified; one more is answered
	// OVERLOADED. What waits is verified together: each log is read once for all.
	verifyQueue = 16
	// verifyPatience bounds the time that this may take. Nobody waits longer for
	// an answer.
	verifyPatience = 10 * time.Second
	// verifyTries bounds how often it is begun again because a new checkpoint has
	// made superfluous what was to be read.
	verifyTries = 3
	// toldDifferences bounds the actors that are named in an answer.
	toldDifferences = 10
)

// verifier holds what waits to be verified.
type verifier struct {
	queue chan *verification

	mu    sync.Mutex
	asked map[askedCall]struct{} // waiting, or under way
}

// askedCall is one call of one caller, who says it again when the answer takes
// its time.
type askedCall struct {
	from cluster.Address
	call uint64
}

func newVerifier() *verifier {
	return &verifier{queue: make(chan *verification, verifyQueue), asked: make(map[askedCall]struct{})}
}

// add queues a call, unless it is queued already; false when there is no room.
func (q *verifier) add(v *verification) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	call := askedCall{v.ask.ReplyTo, v.ask.Call}
	if _, again := q.asked[call]; again {
		return true
	}
	select {
	case q.queue <- v:
		q.asked[call] = struct{}{}
		return true
	default:
		return false
	}
}

func (q *verifier) forget(c *cluster.Command) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.asked, askedCall{c.ReplyTo, c.Call})
}

// next waits for work, and returns all that there is.
func (q *verifier) next(ctx context.Context) (group []*verification) {
	select {
	case <-ctx.Done():
		return nil
	case v := <-q.queue:
		group = append(group, v)
	}
	for {
		select {
		case v := <-q.queue:
			group = append(group, v)
		default:
			return group
		}
	}
}

// verify begins to verify the shard. It answers later, unless it cannot.
func (h *hosted) verify(c *cluster.Command) *cluster.Answer {
	if !h.inc.verifier.add(&verification{h: h, ask: c}) {
		return &cluster.Answer{Code: clientv1.Code_CODE_OVERLOADED, Text: "other shards are being verified", RetryAfterMs: 500}
	}
	return nil
}

// verifications verifies what is asked for, one group of shards after the other.
func (inc *incarnation) verifications(ctx context.Context) {
	for group := inc.verifier.next(ctx); group != nil; group = inc.verifier.next(ctx) {
		patient, cancel := context.WithTimeout(ctx, verifyPatience)
		for range verifyTries {
			group = inc.verifyGroup(patient, group)
		}
		cancel()
		for _, v := range group {
			inc.unverified(v, fmt.Errorf("new checkpoints come faster than the old ones can be read: %w", v.lost))
		}
	}
}

// verified answers a call. What the answer says was durable before.
func (inc *incarnation) verified(v *verification, a *cluster.Answer) {
	inc.verifier.forget(v.ask)
	a.Call = v.ask.Call
	inc.outbox.put(output{to: v.ask.ReplyTo, answer: a})
}

// unverified answers a call that came to nothing, for now.
func (inc *incarnation) unverified(v *verification, err error) {
	switch {
	case errors.Is(err, errStopped), errors.Is(err, cluster.ErrNotOwner):
		inc.verified(v, &cluster.Answer{NotOwner: true})
	case errors.Is(err, errLost):
		inc.verified(v, &cluster.Answer{Body: &clusterv1.ShardVerified{
			Epoch: uint64(v.h.hold.Epoch), Differences: []string{err.Error()},
		}})
	default:
		inc.log.Warn("verify", "shard", v.h.id, "err", err)
		inc.verified(v, &cluster.Answer{Code: clientv1.Code_CODE_UNAVAILABLE, Text: fmt.Sprintf("verify shard %s: %v", v.h.id, err), RetryAfterMs: 500})
	}
}

// verifyGroup verifies shards, and answers. It returns those whose checkpoint or
// log was removed before it was read.
func (inc *incarnation) verifyGroup(ctx context.Context, group []*verification) (again []*verification) {
	each := func(f func(*verification) error) {
		group = slices.DeleteFunc(group, func(v *verification) bool {
			err := f(v)
			if err != nil {
				inc.unverified(v, err)
			}
			return err != nil
		})
	}
	// The records first: what they name must not be newer than the states.
	each(func(v *verification) error { return inc.readRecord(ctx, v) })
	before := inc.journal.DurableSeq()
	each(func(v *verification) error { return v.look(ctx) })
	if len(group) == 0 {
		return nil
	}
	last, err := inc.cutAll(ctx, before, group)
	if err != nil {
		each(func(*verification) error { return err })
		return nil
	}
	needs := make(map[cluster.ShardID][]cluster.Stretch)
	for _, v := range group {
		v.close(inc.logName, last)
		for _, b := range v.bases() {
			stretches, _ := cluster.Replay(v.record, b.checkpoint) // the error comes again in prove
			needs[v.h.id] = append(needs[v.h.id], stretches...)
		}
	}
	tails, _, err := inc.readTails(ctx, needs)
	switch {
	case err != nil && len(group) > 1: // whose log it is will be seen
		for _, v := range group {
			again = append(again, inc.verifyGroup(ctx, []*verification{v})...)
		}
		return again
	case errors.Is(err, journal.ErrMissing), errors.Is(err, journal.ErrNoLog):
		group[0].lost = err
		return group
	case err != nil:
		inc.unverified(group[0], err)
		return nil
	}
	for _, v := range group {
		err := inc.prove(ctx, v, tails)
		switch {
		case errors.Is(err, checkpoint.ErrNotFound):
			v.lost = err
			again = append(again, v)
		case err != nil:
			inc.unverified(v, err)
		case !inc.leased():
			inc.verified(v, &cluster.Answer{NotOwner: true})
		default:
			inc.verified(v, &cluster.Answer{Body: v.proof})
		}
	}
	return again
}

// errLost: something that a recovery needs is not there.
var errLost = errors.New("a recovery would fail")

// readRecord reads what etcd knows of the shard. If something was not there, the
// record must have changed meanwhile, or it is lost.
func (inc *incarnation) readRecord(ctx context.Context, v *verification) error {
	record, _, err := inc.view.Shard(ctx, v.h.id)
	switch {
	case err != nil:
		return err
	case record.GetEpoch() != uint64(v.h.hold.Epoch):
		return cluster.ErrNotOwner
	case v.lost != nil && proto.Equal(record, v.read):
		return fmt.Errorf("%w: %w", errLost, v.lost)
	}
	v.read, v.record = record, proto.CloneOf(record)
	return nil
}
