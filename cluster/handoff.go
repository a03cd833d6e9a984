package cluster

import (
	"errors"
	"fmt"
)

// Handoff is the order in which the owner of a shard, the source of a planned
// move, hands it to a live node, the target. Like Claim it is a state machine
// without I/O: Step is told what happened, and says what to do next.
//
//	Prepare -> Prepare, while much was written meanwhile
//	        -> Freeze -> Final -> Commit -> Forward        the target owns it
//	                                     -> Reclaim        in doubt
//	                                     -> Drop           somebody else owns it
//	   \_________________\_______\______\-> Abort          the source serves on
//
// The source serves until Freeze, and after it only if the transaction was never
// sent, or certainly has not taken effect and never will. No timeout is an
// answer: when the outcome is unknown, the source gives up what it has in memory
// and claims the shard like any other, which finds out or decides.
type Handoff struct {
	shard  ShardID
	doing  HandoffDo
	rounds int
	target Successor
	frozen HandoffFrozen
	over   bool
}

// HandoffDo is what an effect asks for.
type HandoffDo int

// What each effect asks for, and with what it is answered.
const (
	// HandoffNothing: the effect before this one is still under way.
	HandoffNothing HandoffDo = iota
	// HandoffPrepare: ask the target to load the shard as far as it is durable
	// now. Answer with Prepared.
	HandoffPrepare
	// HandoffFreeze: serve nothing of the shard any more, and wait until all that
	// it has appended is durable. Answer with Frozen.
	HandoffFreeze
	// HandoffFinal: tell the target where the shard's records end. Answer with
	// Verified.
	HandoffFinal
	// HandoffCommit: call HandOver with At and Target. Answer with Err, or with
	// nothing but Committed.
	HandoffCommit
	// HandoffForward: the target owns the shard. The last effect.
	HandoffForward
	// HandoffAbort: tell the target that nothing will come. If Frozen, serve on.
	// The last effect.
	HandoffAbort
	// HandoffReclaim: nobody knows who owns the shard. Forget its state, and
	// claim it. The last effect.
	HandoffReclaim
	// HandoffDrop: the shard is no longer this node's. The last effect.
	HandoffDrop
)

var handoffDoNames = [...]string{"nothing", "prepare", "freeze", "final", "commit", "forward", "abort", "reclaim", "drop"}

func (d HandoffDo) String() string { return handoffDoNames[d] }

// HandoffFrozen is the shard as the source has left it.
type HandoffFrozen struct {
	// At is the last durable entry: nothing of the shard is behind it.
	At     LogSeq
	Hash   uint64
	Actors uint64
}

// HandoffInput is what happened. The zero value begins the move.
type HandoffInput struct {
	// Prepared answers HandoffPrepare: who the target is, and how many entries
	// were written since it was asked.
	Prepared *Successor
	Behind   int
	// Frozen answers HandoffFreeze.
	Frozen *HandoffFrozen
	// Verified answers HandoffFinal: the hash of what the target has put together.
	Verified *uint64
	// Committed answers HandoffCommit: it took effect.
	Committed bool
	// Err is why an effect failed. Of HandoffCommit it is HandOver's.
	Err error
	// Stop, if not nil, says that the move is no longer wanted, and why: it takes
	// too long, the target refuses or is gone. It may come at any time.
	Stop error
}

// HandoffEffect is what the host should do next.
type HandoffEffect struct {
	Do     HandoffDo
	At     LogSeq
	Target Successor
	Frozen bool
	// Final: the shard as it was left.
	Final HandoffFrozen
	Err   error
}

const (
	// handoffRounds bounds how often a target is asked to catch up before the
	// source stops: on a busy log there is always more.
	handoffRounds = 4
	// handoffBehind is how many entries the target may be behind when the source
	// stops. Players wait while it reads them.
	handoffBehind = 8
)

// ErrStateDiffers: what a target has put together from checkpoint and log is
// not what the source has in memory.
var ErrStateDiffers = errors.New("the state put together from checkpoint and log is not the one in memory")

// NewHandoff begins a move of shard s.
func NewHandoff(s ShardID) *Handoff { return &Handoff{shard: s} }

// Step advances the move.
func (h *Handoff) Step(in HandoffInput) HandoffEffect {
	switch {
	case h.over:
		return HandoffEffect{Do: HandoffNothing}
	case h.doing == HandoffCommit:
		return h.committed(in)
	case in.Stop != nil:
		return h.abort(in.Stop)
	case in.Err != nil:
		return h.abort(in.Err)
	}
	switch {
	case h.doing == HandoffNothing:
		return h.do(HandoffPrepare)
	case h.doing == HandoffPrepare && in.Prepared != nil:
		h.target = *in.Prepared
		h.rounds++
		if in.Behind > handoffBehind && h.rounds < handoffRounds {
			return h.do(HandoffPrepare)
		}
		return h.do(HandoffFreeze)
	case h.doing == HandoffFreeze && in.Frozen != nil:
		h.frozen = *in.Frozen
		return h.do(HandoffFinal)
	case h.doing == HandoffFinal && in.Verified != nil:
		if *in.Verified != h.frozen.Hash {
			return h.abort(fmt.Errorf("%w: hash %016x there, %016x here", ErrStateDiffers, *in.Verified, h.frozen.Hash))
		}
		return h.do(HandoffCommit)
	}
	return HandoffEffect{Do: HandoffNothing} // an answer to something else, or a second copy
}

// committed judges what the transaction led to. From here on nothing but its
// own outcome counts.
func (h *Handoff) committed(in HandoffInput) HandoffEffect {
	switch {
	case in.Committed:
		return h.do(HandoffForward)
	case in.Err == nil:
		return HandoffEffect{Do: HandoffNothing}
	case errors.Is(in.Err, ErrSuccessorGone):
		return h.abort(in.Err)
	case errors.Is(in.Err, ErrNotOwner), errors.Is(in.Err, ErrLeaseLost), errors.Is(in.Err, ErrLeft):
		e := h.do(HandoffDrop)
		e.Err = h.wrap(in.Err)
		return e
	}
	e := h.do(HandoffReclaim)
	e.Err = h.wrap(in.Err)
	return e
}

func (h *Handoff) do(d HandoffDo) HandoffEffect {
	frozen := h.doing == HandoffFreeze || h.doing == HandoffFinal || h.doing == HandoffCommit
	h.doing = d
	h.over = d >= HandoffForward
	return HandoffEffect{Do: d, At: h.frozen.At, Target: h.target, Frozen: frozen, Final: h.frozen}
}

func (h *Handoff) abort(why error) HandoffEffect {
	e := h.do(HandoffAbort)
	e.Err = h.wrap(why)
	return e
}

func (h *Handoff) wrap(err error) error { return fmt.Errorf("move shard %s: %w", h.shard, err) }
