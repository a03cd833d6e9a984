package shard

import (
	"fmt"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/shard/checkpoint"
)

// resident is a live actor: decoded, ready for a turn.
type resident struct {
	ref       actors.Ref
	kind      actors.Kind
	behaviour actors.Behaviour
	volatile  actors.Volatile // nil when the behaviour has no volatile state
	timed     actors.Timed    // nil when the behaviour wants no timers
	caster    actors.Caster   // nil when the behaviour shows nothing

	// seq numbers the actor's events; 0 for one that has never had any.
	seq uint64
	// armed is the earliest moment, in Unix milliseconds, for which the alarm
	// clock holds an entry for this actor; 0 for none.
	armed int64
}

// passive is an actor that sleeps as encoded bytes.
type passive struct {
	seq   uint64
	state []byte
	armed int64 // as in resident
}

// population is all actors of one shard, each either live or passive. The
// least recently used live ones are passivated when there are more than limit.
// It belongs to the shard's goroutine.
type population struct {
	kinds   *actors.Registry
	limit   int
	live    *simplelru.LRU[actors.Ref, *resident]
	passive map[actors.Ref]passive
	metrics *Metrics

	// dirty holds the actors that have changed since the last checkpoint walk
	// began.
	dirty map[actors.Ref]struct{}
}

func newPopulation(kinds *actors.Registry, limit int, m *Metrics) *population {
	// The list evicts nothing by itself: actors with volatile work must stay,
	// which only trim can see.
	live, err := simplelru.NewLRU[actors.Ref, *resident](1<<31-1, nil)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &population{
		kinds: kinds, limit: max(limit, 1), live: live, metrics: m,
		passive: make(map[actors.Ref]passive),
		dirty:   make(map[actors.Ref]struct{}),
	}
}

// count returns how many actors have ever had an event.
func (p *population) count() int {
	n := len(p.passive)
	for _, a := range p.live.Values() {
		if a.seq > 0 {
			n++
		}
	}
	return n
}

// wake returns the live actor of that name: from the live ones, from its
// encoded form, or as a new one that has seen no event.
func (p *population) wake(ref actors.Ref) (*resident, error) {
	if a, ok := p.live.Get(ref); ok {
		return a, nil
	}
	kind, ok := p.kinds.Kind(ref.Kind)
	if !ok {
		return nil, fmt.Errorf("wake %s: %w", ref, errUnknownKind)
	}
	a := &resident{ref: ref, kind: kind}
	if asleep, ok := p.passive[ref]; ok {
		b, err := restore(kind, ref, asleep.state)
		if err != nil {
			return nil, err
		}
		a.behaviour, a.seq, a.armed = b, asleep.seq, asleep.armed
		delete(p.passive, ref)
	} else {
		a.behaviour = kind.New(ref.ID)
	}
	a.volatile, _ = a.behaviour.(actors.Volatile)
	a.timed, _ = a.behaviour.(actors.Timed)
	a.caster, _ = a.behaviour.(actors.Caster)
	p.live.Add(ref, a)
	return a, nil
}

// trim passivates the least recently used actors beyond the limit. Busy ones
// are passed over, and count as used now.
func (p *population) trim() error {
	for tries := 8; p.live.Len() > p.limit && tries > 0; tries-- {
		ref, a, _ := p.live.GetOldest()
		if a.volatile != nil && a.volatile.Busy() {
			p.live.Get(ref)
			continue
		}
		p.live.Remove(ref)
		if a.seq == 0 {
			continue // nothing has ever happened to it
		}
		state, err := encodeState(a.behaviour)
		if err != nil {
			return fmt.Errorf("passivate %s: %w", ref, err)
		}
		p.passive[ref] = passive{seq: a.seq, state: state, armed: a.armed}
		p.metrics.passivations.Inc()
	}
	return nil
}

// capture returns the actor's journaled state as a checkpoint keeps it; false
// when there is no such actor or nothing has ever happened to it.
func (p *population) capture(ref actors.Ref) (checkpoint.Actor, bool, error) {
	if a, ok := p.live.Peek(ref); ok {
		if a.seq == 0 {
			return checkpoint.Actor{}, false, nil
		}
		state, err := encodeState(a.behaviour)
		if err != nil {
			return checkpoint.Actor{}, false, fmt.Errorf("capture %s: %w", ref, err)
		}
		return checkpoint.Actor{Kind: ref.Kind, ID: ref.ID, Seq: a.seq, State: state}, true, nil
	}
	asleep, ok := p.passive[ref]
	return checkpoint.Actor{Kind: ref.Kind, ID: ref.ID, Seq: asleep.seq, State: asleep.state}, ok, nil
}

// refs returns the names of all actors, in no order.
func (p *population) refs() []actors.Ref {
	refs := p.live.Keys()
	for ref := range p.passive {
		refs = append(refs, ref)
	}
	return refs
}

// encodeState returns a behaviour's journaled state such that equal states give
// equal bytes.
func encodeState(b actors.Behaviour) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(b.Snapshot())
}

// look returns a behaviour with the actor's state, without waking the actor.
func (p *population) look(ref actors.Ref, state checkpoint.Actor) (actors.Behaviour, error) {
	if a, ok := p.live.Peek(ref); ok {
		return a.behaviour, nil
	}
	kind, ok := p.kinds.Kind(ref.Kind)
	if !ok {
		return nil, fmt.Errorf("look at %s: %w", ref, errUnknownKind)
	}
	return restore(kind, ref, state.State)
}

// restore makes a behaviour from its encoded state.
func restore(kind actors.Kind, ref actors.Ref, encoded []byte) (actors.Behaviour, error) {
	state := kind.State()
	if err := proto.Unmarshal(encoded, state); err != nil {
		return nil, fmt.Errorf("decode the state of %s: %w", ref, err)
	}
	b := kind.New(ref.ID)
	if err := b.Restore(state); err != nil {
		return nil, fmt.Errorf("restore %s: %w", ref, err)
	}
	return b, nil
}
