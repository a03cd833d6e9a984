package cluster

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// DefaultMaxMoving is how many shards are on their way between two live nodes at
// a time unless an operator says otherwise: each is a short stall for its
// actors, and some work for two nodes that have other work as well.
const DefaultMaxMoving = 4

// Propose says what Rebalance would do now: to the same shards on the same nodes
// it says the same for some minutes, unless their load has really changed. While
// a rebalance goes on these are the moves that are left of it.
func (v *View) Propose() Proposal { return v.snap.Load().propose(time.Now(), &v.lastWord) }

// Rebalance has the coordinator carry out what Propose says, with at most
// maxMoving shards on their way at a time, 0 for DefaultMaxMoving. It returns
// once that is written; Rebalancing tells how it goes. Where there is nothing to
// do nothing is written. While a rebalance goes on it is that one which goes on,
// with maxMoving. Errors: ErrUnavailable.
func (v *View) Rebalance(ctx context.Context, maxMoving int) (Proposal, error) {
	if maxMoving < 0 || maxMoving > MaxShards {
		return Proposal{}, fmt.Errorf("rebalance: max moving: %d, must be 0 to %d", maxMoving, MaxShards)
	}
	if maxMoving == 0 {
		maxMoving = DefaultMaxMoving
	}
	for {
		snap := v.snap.Load()
		p := snap.propose(time.Now(), &v.lastWord)
		if len(p.Moves) == 0 {
			return p, nil
		}
		next := snap.job.value
		if p.Job == "" {
			next = newRebalance("operator", p.Moves, maxMoving, time.Now())
		} else {
			if int(next.GetMaxMoving()) == maxMoving {
				return p, nil
			}
			next = proto.CloneOf(next)
			next.MaxMoving = uint32(maxMoving)
		}
		key := v.keys.rebalance()
		resp, err := v.client.Txn(ctx).
			If(clientv3.Compare(clientv3.ModRevision(key), "=", snap.job.rev)).
			Then(clientv3.OpPut(key, encode(next))).
			Commit()
		if err != nil {
			return Proposal{}, unavailable("rebalance", err)
		}
		if resp.Succeeded {
			p.Job = next.GetId()
			return p, nil
		}
		// Another one began, or the one that goes on has got further.
		select {
		case <-snap.next:
		case <-ctx.Done():
			return Proposal{}, unavailable("rebalance", ctx.Err())
		}
	}
}

func newRebalance(by string, moves []PlannedMove, maxMoving int, now time.Time) *clusterv1.Rebalance {
	r := &clusterv1.Rebalance{
		Id:        strings.ToLower(rand.Text()[:8]),
		By:        by,
		Started:   timestamppb.New(now),
		MaxMoving: uint32(maxMoving),
	}
	for _, m := range moves {
		r.Moves = append(r.Moves, &clusterv1.PlannedMove{
			Shard: uint32(m.Shard), From: string(m.From), To: string(m.To), Weight: round(m.Weight), Why: m.Why,
			State: clusterv1.MoveState_MOVE_STATE_PENDING,
		})
	}
	return r
}

// RebalanceJob is a rebalance, and how far it has got.
type RebalanceJob struct {
	ID string
	// By is "operator" or "planner".
	By      string
	Started time.Time
	// Finished is zero while it goes on.
	Finished  time.Time
	MaxMoving int
	Moves     []JobMove
}

// JobMove is one move of a RebalanceJob.
type JobMove struct {
	PlannedMove
	State MoveState
	// Note says why it was dropped.
	Note string
}

// MoveState is how far a planned move has got.
type MoveState int

// States of a JobMove.
const (
	MovePending MoveState = iota // Its turn has not come.
	MoveMoving                   // Its owner has been told.
	MoveDone
	MoveDropped // It is not wanted any more, or could not be done.
)

func (s MoveState) String() string {
	switch s {
	case MoveMoving:
		return "moving"
	case MoveDone:
		return "done"
	case MoveDropped:
		return "dropped"
	}
	return "pending"
}

// Running says whether the coordinator still works on it.
func (j *RebalanceJob) Running() bool { return j.Finished.IsZero() }

// Count returns how many of its moves are in a state.
func (j *RebalanceJob) Count(state MoveState) (n int) {
	for _, m := range j.Moves {
		if m.State == state {
			n++
		}
	}
	return n
}

// Rebalancing returns the rebalance that goes on, or else the last one; false
// when there has been none.
func (v *View) Rebalancing() (RebalanceJob, bool) {
	snap := v.snap.Load()
	if snap.job.value == nil {
		return RebalanceJob{}, false
	}
	return snap.jobOf(), true
}

func (s *snapshot) jobOf() RebalanceJob {
	v := s.job.value
	out := RebalanceJob{ID: v.GetId(), By: v.GetBy(), Started: v.GetStarted().AsTime(), MaxMoving: int(v.GetMaxMoving())}
	if v.GetFinished() != nil {
		out.Finished = v.GetFinished().AsTime()
	}
	for _, m := range v.GetMoves() {
		move := JobMove{PlannedMove: plannedMoveOf(m), Note: m.GetNote()}
		switch {
		case m.GetState() == clusterv1.MoveState_MOVE_STATE_DONE:
			move.State = MoveDone
		case m.GetState() == clusterv1.MoveState_MOVE_STATE_DROPPED:
			move.State = MoveDropped
		case s.assignments.Node(move.Shard) == move.To:
			move.State = MoveMoving
		}
		out.Moves = append(out.Moves, move)
	}
	return out
}

func plannedMoveOf(m *clusterv1.PlannedMove) PlannedMove {
	return PlannedMove{
		Shard: ShardID(m.GetShard()), From: NodeName(m.GetFrom()), To: NodeName(m.GetTo()), Weight: m.GetWeight(), Why: m.GetWhy(),
	}
}

// job is /rebalance.
type job struct {
	value *clusterv1.Rebalance // nil when there has been none
	rev   int64
}

// running says whether there is something left to do.
func (j *job) running() bool { return j.value != nil && j.value.GetFinished() == nil }

func (j *job) apply(cs []change, log *slog.Logger) *job {
	last := cs[len(cs)-1]
	if last.deleted {
		return &job{}
	}
	next := &job{rev: last.rev, value: new(clusterv1.Rebalance)}
	if err := decode(last.value, next.value); err != nil {
		skip(log, keyRebalance, last, err)
		next.value = nil
	}
	return next
}

// RebalanceRecord returns what Rebalancing does, as it stands in etcd; nil when
// there has been none. The caller must not change it.
func (v *View) RebalanceRecord() *clusterv1.Rebalance { return v.snap.Load().job.value }
