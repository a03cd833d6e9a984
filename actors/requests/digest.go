package requests

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// Digest sums up the contents of a request, to tell a copy of it from another
// request under the same number. Strings are told from each other by their
// lengths, so ("ab", "c") is not ("a", "bc").
type Digest struct{ h xxhash.Digest }

// NewDigest returns an empty digest.
func NewDigest() Digest {
	var d Digest
	d.h.Reset()
	return d
}

// String adds a string.
func (d *Digest) String(s string) {
	d.Int(int64(len(s)))
	_, _ = d.h.WriteString(s)
}

// Int adds a number.
func (d *Digest) Int(n int64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	_, _ = d.h.Write(b[:])
}

// Sum returns the digest of what was added.
func (d *Digest) Sum() uint64 { return d.h.Sum64() }
