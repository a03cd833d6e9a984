package checkpoint

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// Actor is the state of one actor after its first Seq events.
type Actor struct {
	Kind, ID string
	Seq      uint64
	State    []byte
}

// Hash is the actor's share of its shard's state hash, which is the sum, modulo
// 2^64, over all actors: in any order, and adjusted by the change of one.
func (a Actor) Hash() uint64 {
	var d xxhash.Digest
	var n [8]byte
	field := func(length int) []byte {
		binary.LittleEndian.PutUint64(n[:], uint64(length))
		return n[:]
	}
	d.Reset()
	_, _ = d.Write(field(len(a.Kind))) // never fails, as all of these
	_, _ = d.WriteString(a.Kind)
	_, _ = d.Write(field(len(a.ID)))
	_, _ = d.WriteString(a.ID)
	binary.LittleEndian.PutUint64(n[:], a.Seq)
	_, _ = d.Write(n[:])
	_, _ = d.Write(a.State)
	return d.Sum64()
}
