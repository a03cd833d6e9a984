package journal

import (
	"encoding/binary"
	"fmt"

	"github.com/holdfast-game/holdfast/cluster"
)

// Record is one event of one actor.
type Record struct {
	Shard cluster.ShardID
	// Epoch is the ownership of the shard under which the event was decided.
	Epoch cluster.Epoch
	// Kind and ID name the actor.
	Kind, ID string
	// Seq numbers the actor's events, from 1, without gaps.
	Seq uint64
	// Event is encoded as the actor's kind documents.
	Event []byte
}

// A record, inside an entry of version 1:
//
//	uvarint  shard
//	uvarint  epoch
//	uvarint  length of kind, then kind
//	uvarint  length of id, then id
//	uvarint  seq
//	uvarint  length of event, then event
//
// uvarint is that of encoding/binary: 7 bits a byte, least significant first.

// minRecord is the size of the smallest record.
const minRecord = 6

// AppendRecord appends r, encoded, to dst. The batch of one command is a
// concatenation of these.
func AppendRecord(dst []byte, r *Record) []byte {
	dst = binary.AppendUvarint(dst, uint64(r.Shard))
	dst = binary.AppendUvarint(dst, uint64(r.Epoch))
	dst = binary.AppendUvarint(dst, uint64(len(r.Kind)))
	dst = append(dst, r.Kind...)
	dst = binary.AppendUvarint(dst, uint64(len(r.ID)))
	dst = append(dst, r.ID...)
	dst = binary.AppendUvarint(dst, r.Seq)
	dst = binary.AppendUvarint(dst, uint64(len(r.Event)))
	return append(dst, r.Event...)
}

// maxInterned bounds the kinds that a decoder remembers. A node has a handful;
// past the bound each occurrence is a string of its own.
const maxInterned = 64

// decoder decodes records. It remembers the names of kinds, which are few, so
// that only an actor's id costs an allocation.
type decoder struct {
	kinds map[string]string
}

// record decodes the record that data begins with, and returns what follows.
// r.Event is part of data.
func (d *decoder) record(data []byte, r *Record) (rest []byte, err error) {
	in := fields{data: data}
	shard := in.uvarint()
	r.Epoch = cluster.Epoch(in.uvarint())
	kind, id := in.bytes(), in.bytes()
	r.Seq = in.uvarint()
	r.Event = in.bytes()
	if in.bad || shard > 1<<32-1 {
		return nil, fmt.Errorf("%w: broken record", ErrCorrupt)
	}
	r.Shard = cluster.ShardID(shard)
	r.Kind = d.kind(kind)
	r.ID = string(id)
	return in.data, nil
}

func (d *decoder) kind(name []byte) string {
	if s, ok := d.kinds[string(name)]; ok {
		return s
	}
	s := string(name)
	if d.kinds == nil {
		d.kinds = make(map[string]string)
	}
	if len(d.kinds) < maxInterned {
		d.kinds[s] = s
	}
	return s
}

// fields is what is left of a record to decode. Once bad, it stays so.
type fields struct {
	data []byte
	bad  bool
}

func (in *fields) uvarint() uint64 {
	v, n := binary.Uvarint(in.data)
	if n <= 0 {
		in.bad, in.data = true, nil
		return 0
	}
	in.data = in.data[n:]
	return v
}

// bytes returns a length-prefixed string as part of the input: a length that is
// a lie costs nothing.
func (in *fields) bytes() []byte {
	n := in.uvarint()
	if n > uint64(len(in.data)) {
		in.bad, in.data = true, nil
		return nil
	}
	b := in.data[:n:n]
	in.data = in.data[n:]
	return b
}
