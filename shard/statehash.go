package shard

import (
	"github.com/holdfast-game/holdfast/actors"
)

// stateHash returns the shard's state hash, the sum of its actors' shares, and
// how many there are, from the shares that are known and the actors that have
// changed since those were taken.
func stateHash(p *population, known map[actors.Ref]uint64) (hash, count uint64, err error) {
	for _, share := range known {
		hash += share
	}
	count = uint64(len(known))
	for ref := range p.dirty {
		a, ok, err := p.capture(ref)
		switch {
		case err != nil:
			return 0, 0, err
		case !ok:
			continue
		}
		had, was := known[ref]
		if !was {
			count++
		}
		hash += a.Hash() - had
	}
	return hash, count, nil
}

// stateHash is that of a served shard. It runs on the shard's goroutine, for
// whoever holds the chronicle's lock.
func (h *hosted) stateHash() (hash, count uint64, err error) {
	if h.chronicle.captured != nil {
		return stateHash(h.people, h.chronicle.captured)
	}
	for _, ref := range h.people.refs() {
		a, ok, err := h.people.capture(ref)
		if err != nil {
			return 0, 0, err
		}
		if ok {
			hash += a.Hash()
			count++
		}
	}
	return hash, count, nil
}
