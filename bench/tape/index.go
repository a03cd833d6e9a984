package tape

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/cespare/xxhash/v2"
)

const (
	indexMagic  = "indx"
	indexHead   = 8
	indexEntry  = 36
	footerMagic = "tend"
	footerSize  = 12
	checkSize   = 8
)

// appendIndex encodes the index that stands at offset, and the footer.
func appendIndex(dst []byte, offset int64, blocks []extent) []byte {
	start := len(dst)
	dst = append(dst, indexMagic...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(blocks)))
	for i := range blocks {
		e := &blocks[i]
		dst = binary.BigEndian.AppendUint64(dst, uint64(e.offset))
		dst = binary.BigEndian.AppendUint64(dst, uint64(e.first))
		dst = binary.BigEndian.AppendUint64(dst, uint64(e.last))
		dst = binary.BigEndian.AppendUint32(dst, e.records)
		dst = binary.BigEndian.AppendUint64(dst, e.lost)
	}
	dst = binary.BigEndian.AppendUint64(dst, xxhash.Sum64(dst[start:]))
	dst = binary.BigEndian.AppendUint64(dst, uint64(offset))
	return append(dst, footerMagic...)
}

// parseIndex reads an index. False: it is none, or not as it was written.
func parseIndex(b []byte) (blocks []extent, ok bool) {
	if len(b) < indexHead+checkSize || !bytes.HasPrefix(b, []byte(indexMagic)) {
		return nil, false
	}
	body := b[:len(b)-checkSize]
	if xxhash.Sum64(body) != binary.BigEndian.Uint64(b[len(body):]) {
		return nil, false
	}
	entries := body[indexHead:]
	count := int(binary.BigEndian.Uint32(body[4:]))
	if len(entries) != count*indexEntry {
		return nil, false
	}
	blocks = make([]extent, count)
	for i := range blocks {
		e := entries[i*indexEntry:]
		blocks[i] = extent{
			offset:  int64(binary.BigEndian.Uint64(e)),
			first:   time.Duration(binary.BigEndian.Uint64(e[8:])),
			last:    time.Duration(binary.BigEndian.Uint64(e[16:])),
			records: binary.BigEndian.Uint32(e[24:]),
			lost:    binary.BigEndian.Uint64(e[28:]),
		}
	}
	return blocks, true
}
