package cluster

import (
	"errors"
	"fmt"
)

// Adoption is what the target of a planned move does. It is the counterpart of
// Handoff, and like it a state machine without I/O.
//
//	Load -> Prepared -> Replay -> Verified -> Confirm -> Serve
//	   ^______|  ^________|   \        |__________|  \
//	                           \______________________\-> Forgo
//
// Until it has said that the state is verified, the target may turn away at any
// time: no transaction can have been sent. After that it waits for the outcome
// however long it takes, and believes etcd alone.
type Adoption struct {
	shard   ShardID
	doing   AdoptDo
	through LogSeq // loaded as far as here
	final   bool
	hash    uint64
	actors  uint64
	stopped error // why it is no longer wanted; from the owner: never will be
	over    bool
}

// AdoptDo is what an effect asks for.
type AdoptDo int

// What each effect asks for, and with what it is answered.
const (
	// AdoptNothing: there is nothing to do before something happens.
	AdoptNothing AdoptDo = iota
	// AdoptLoad: look at the shard's record, load its checkpoint and its log up to
	// entry Through, and Expect it. Answer with Loaded.
	AdoptLoad
	// AdoptPrepared: tell the source that the state is loaded up to Through, and
	// wait for Prepare or Final. Answered by nothing.
	AdoptPrepared
	// AdoptReplay: read the source's log up to Through. Answer with Loaded.
	AdoptReplay
	// AdoptVerified: from now on keep what arrives for the shard, and tell the
	// source the hash. Answered by nothing.
	AdoptVerified
	// AdoptConfirm: call Adopt. Answer with Err, or with Adopted.
	AdoptConfirm
	// AdoptServe: the shard is this node's. The last effect.
	AdoptServe
	// AdoptForgo: call Forgo, and forget the state. The last effect.
	AdoptForgo
)

var adoptDoNames = [...]string{"nothing", "load", "prepared", "replay", "verified", "confirm", "serve", "forgo"}

func (d AdoptDo) String() string { return adoptDoNames[d] }

// AdoptInput is what happened. The zero value is a look at the clock.
type AdoptInput struct {
	// Prepare: the source's records are durable up to this entry. The first
	// begins the adoption. nil: no such message.
	Prepare *LogSeq
	// Final: the source has stopped, and its records end here. It knows the hash
	// itself, and compares.
	Final *LogSeq
	// Loaded answers AdoptLoad and AdoptReplay: the state's hash, if it was Final.
	Loaded bool
	Hash   uint64
	Actors uint64
	// Adopted answers AdoptConfirm.
	Adopted bool
	// Err is why an effect failed.
	Err error
	// Look: the owner may have changed, or somebody says so.
	Look bool
	// Aborted: the source says that its transaction was not sent, or never will
	// take effect.
	Aborted error
	// Stop: the source has not been heard of for long, or this node is on its way
	// out. It counts only while turning away is safe.
	Stop error
}

// AdoptEffect is what the host should do next.
type AdoptEffect struct {
	Do      AdoptDo
	Through LogSeq
	Final   bool
	Hash    uint64
	Actors  uint64
	Err     error
}

// NewAdoption waits for the first Prepare.
func NewAdoption(s ShardID) *Adoption { return &Adoption{shard: s} }

// Step advances the adoption.
func (a *Adoption) Step(in AdoptInput) AdoptEffect {
	if a.over {
		return AdoptEffect{Do: AdoptNothing}
	}
	switch a.doing {
	case AdoptVerified:
		return a.wait(in)
	case AdoptConfirm:
		return a.confirmed(in)
	case AdoptLoad, AdoptReplay:
		return a.loaded(in)
	}
	switch {
	case in.Aborted != nil:
		return a.forgo(in.Aborted)
	case in.Stop != nil:
		return a.forgo(in.Stop)
	case in.Final != nil && a.doing == AdoptPrepared:
		if *in.Final < a.through {
			return a.forgo(fmt.Errorf("the source's log ends with entry %d, %d was durable", *in.Final, a.through))
		}
		a.through, a.final = *in.Final, true
		return a.do(AdoptReplay)
	case in.Prepare == nil:
	case a.doing == AdoptNothing:
		a.through = *in.Prepare
		return a.do(AdoptLoad)
	case *in.Prepare > a.through:
		a.through = *in.Prepare
		return a.do(AdoptReplay)
	default:
		return a.do(AdoptPrepared) // said again, because the answer was lost
	}
	return AdoptEffect{Do: AdoptNothing}
}

// loaded is told what came of reading. What the source says meanwhile it will
// say again.
func (a *Adoption) loaded(in AdoptInput) AdoptEffect {
	switch {
	case in.Err != nil:
		return a.forgo(in.Err)
	case in.Aborted != nil && a.stopped == nil:
		a.stopped = in.Aborted
	case in.Stop != nil && a.stopped == nil:
		a.stopped = in.Stop
	case in.Loaded && a.stopped != nil:
		return a.forgo(a.stopped)
	case in.Loaded && a.final:
		a.hash, a.actors = in.Hash, in.Actors
		return a.do(AdoptVerified)
	case in.Loaded:
		a.actors = in.Actors
		return a.do(AdoptPrepared)
	}
	return AdoptEffect{Do: AdoptNothing}
}

// wait is for the outcome, which is in etcd.
func (a *Adoption) wait(in AdoptInput) AdoptEffect {
	switch {
	case in.Aborted != nil:
		a.stopped = in.Aborted
		return a.do(AdoptConfirm)
	case in.Look:
		return a.do(AdoptConfirm)
	case in.Final != nil:
		return a.do(AdoptVerified) // said again, because the answer was lost
	}
	return AdoptEffect{Do: AdoptNothing}
}

// confirmed is told what etcd says.
func (a *Adoption) confirmed(in AdoptInput) AdoptEffect {
	switch {
	case in.Adopted:
		return a.do(AdoptServe)
	case in.Err == nil:
		if in.Aborted != nil {
			a.stopped = in.Aborted
		}
		return AdoptEffect{Do: AdoptNothing}
	case errors.Is(in.Err, ErrUndecided) && a.stopped != nil:
		return a.forgo(a.stopped)
	case errors.Is(in.Err, ErrNotOwner), errors.Is(in.Err, ErrLeaseLost), errors.Is(in.Err, ErrLeft):
		return a.forgo(in.Err)
	}
	// Whatever else kept etcd from answering: the transaction may still take
	// effect. Look again when there is something to see.
	a.doing = AdoptVerified
	return AdoptEffect{Do: AdoptNothing}
}

func (a *Adoption) do(d AdoptDo) AdoptEffect {
	a.doing = d
	a.over = d >= AdoptServe
	return AdoptEffect{Do: d, Through: a.through, Final: a.final, Hash: a.hash, Actors: a.actors}
}

func (a *Adoption) forgo(why error) AdoptEffect {
	e := a.do(AdoptForgo)
	e.Err = fmt.Errorf("adopt shard %s: %w", a.shard, why)
	return e
}
