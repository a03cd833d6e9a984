package cluster

import (
	"cmp"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Claim is the order in which a node takes a shard over. It is a state machine
// without I/O: Step is told what the last effect led to, and says what to do
// next, until it says ClaimDone or ClaimAbandon. One effect is under way at a
// time.
//
//	Acquire -> Seal, if the last segment is open   -> Load -> Serve -> Done
//	           Flush, if that is of the node's own log
//
// The log of an owner that is gone is sealed exactly if its segment is open,
// and not if its owner looks dead: a node that only seems dead is stopped by
// the seal, and one that released the shard has nothing left to stop.
type Claim struct {
	shard   ShardID
	own     LogName
	doing   ClaimDo
	record  *clusterv1.Shard // From Acquire on. Its segments are closed as they end.
	closeAt LogSeq
	stopped error
}

// ClaimDo is what an effect asks for.
type ClaimDo int

// What each effect asks for, and with what it is answered.
const (
	// ClaimNothing: the effect before this one is still under way.
	ClaimNothing ClaimDo = iota
	// ClaimAcquire: call Acquire. Answer with the holding's Record.
	ClaimAcquire
	// ClaimSeal: seal Log. Answer with the entry of its first seal.
	ClaimSeal
	// ClaimFlush: nothing of this shard is served any more; wait until all that
	// was appended to the node's own log is durable. Answer with the last
	// durable entry, 0 if there is none.
	ClaimFlush
	// ClaimLoad: load Record, whose segments are all closed, and stop loudly at
	// an event of an epoch above Epoch.
	ClaimLoad
	// ClaimServe: call Serve with CloseAt.
	ClaimServe
	// ClaimDone: the shard is served. The last effect.
	ClaimDone
	// ClaimAbandon: the claim failed, and Err says why. With Release, the
	// ownership stands or may stand: call Release, with 0. The last effect.
	ClaimAbandon
)

var claimDoNames = [...]string{"nothing", "acquire", "seal", "flush", "load", "serve", "done", "abandon"}

func (d ClaimDo) String() string { return claimDoNames[d] }

// ClaimInput is what happened. The zero value begins the claim.
type ClaimInput struct {
	// Err is why the effect failed. One that is ErrUnavailable is tried again,
	// since its outcome is unknown and the same call finds it out; any other
	// ends the claim. Errors of logs and checkpoints that may pass are to be
	// wrapped with ErrUnavailable.
	Err error
	// Record answers ClaimAcquire.
	Record *clusterv1.Shard
	// Seq answers ClaimSeal and ClaimFlush.
	Seq LogSeq
	// Stop, if not nil, says that the claim is no longer wanted, and why. It
	// may come at any time, and answers nothing.
	Stop error
}

// ClaimEffect is what the host should do next.
type ClaimEffect struct {
	Do ClaimDo
	// Again: it failed before, so pause first.
	Again   bool
	Log     LogName
	Record  *clusterv1.Shard
	Epoch   Epoch
	CloseAt LogSeq
	Err     error
	Release bool
}

// NewClaim begins the claim of shard s by the node that writes log own.
func NewClaim(s ShardID, own LogName) *Claim { return &Claim{shard: s, own: own} }

// Step advances the claim.
func (c *Claim) Step(in ClaimInput) ClaimEffect {
	switch {
	case c.doing == ClaimDone || c.doing == ClaimAbandon:
		return ClaimEffect{Do: ClaimNothing}
	case in.Stop != nil:
		return c.stop(in.Stop)
	case in.Err != nil:
		return c.failed(in.Err)
	}
	switch c.doing {
	case ClaimAcquire:
		c.record = in.Record
	case ClaimSeal, ClaimFlush:
		if in.Seq == 0 && c.doing == ClaimSeal {
			return c.abandon(errors.New("a log cannot be sealed before its first entry"))
		}
		c.closeAt = in.Seq
		c.record = proto.CloneOf(c.record)
		seg, _ := openSegment(c.record)
		closeSegment(seg, in.Seq)
	case ClaimServe:
		// Also if it is no longer wanted: the shard is served now, and gets
		// released like any other.
		return c.do(ClaimDone)
	}
	if c.stopped != nil {
		return c.abandon(c.stopped)
	}
	return c.do(c.next())
}

// next is the effect that follows the one that succeeded.
func (c *Claim) next() ClaimDo {
	switch c.doing {
	case ClaimNothing:
		return ClaimAcquire
	case ClaimLoad:
		return ClaimServe
	}
	seg, open := openSegment(c.record)
	switch {
	case !open:
		return ClaimLoad
	case LogName(seg.GetLog()) == c.own:
		// A seal would end this node.
		return ClaimFlush
	}
	return ClaimSeal
}

// do makes an effect the one under way.
func (c *Claim) do(d ClaimDo) ClaimEffect {
	c.doing = d
	e := ClaimEffect{Do: d}
	switch d {
	case ClaimSeal, ClaimFlush:
		seg, _ := openSegment(c.record)
		e.Log = LogName(seg.GetLog())
	case ClaimLoad:
		e.Record, e.Epoch = c.record, Epoch(c.record.GetEpoch())
	case ClaimServe:
		e.CloseAt = c.closeAt
	}
	return e
}

// failed picks what follows an effect that did not succeed.
func (c *Claim) failed(err error) ClaimEffect {
	switch {
	case !errors.Is(err, ErrUnavailable):
		return c.abandon(err)
	case c.stopped != nil:
		return c.abandon(c.stopped)
	}
	e := c.do(c.doing)
	e.Again = true
	return e
}

func (c *Claim) stop(why error) ClaimEffect {
	if c.doing == ClaimNothing {
		return c.abandon(why)
	}
	c.stopped = cmp.Or(c.stopped, why)
	return ClaimEffect{Do: ClaimNothing}
}

func (c *Claim) abandon(why error) ClaimEffect {
	e := c.do(ClaimAbandon)
	e.Err = fmt.Errorf("claim shard %s: %w", c.shard, why)
	// An Acquire whose outcome is unknown left no holding to release: the
	// comparison of Owned with what is held finds it.
	e.Release = c.record != nil && !errors.Is(why, ErrNotOwner) && !errors.Is(why, ErrLeaseLost)
	return e
}
