package tape

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"
)

const (
	blockMagic = "blck"
	blockHead  = 48
	// fullBlock is when a block is written: large enough to compress well, small
	// enough that a look into the middle of a tape reads little.
	fullBlock = 256 << 10
	// maxRaw is the most that a block may hold: one that was nearly full, and the
	// largest record.
	maxRaw = fullBlock + MaxFrame + maxHead
	// maxPayload is more than zstd makes of maxRaw.
	maxPayload = maxRaw + maxRaw>>7 + 1024
)

// extent is a block as the index and its own head have it.
type extent struct {
	offset      int64
	raw, size   int // not in the index
	first, last time.Duration
	records     uint32
	lost        uint64
	check       uint64 // not in the index
}

var (
	errNoBlock  = errors.New("no block begins here")
	errBadHead  = errors.New("the head of a block makes no sense")
	errBadCheck = errors.New("the checksum of a block does not fit its bytes")
	errBadZstd  = errors.New("a block cannot be decompressed")
)

// appendBlock encodes a block: its head from e and its payload from raw.
func appendBlock(dst []byte, enc *zstd.Encoder, e *extent, raw []byte) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, blockHead)...)
	dst = enc.EncodeAll(raw, dst)
	e.raw, e.size = len(raw), len(dst)-start-blockHead
	head, payload := dst[start:start+blockHead], dst[start+blockHead:]
	copy(head, blockMagic)
	binary.BigEndian.PutUint32(head[4:], uint32(e.raw))
	binary.BigEndian.PutUint32(head[8:], uint32(e.size))
	binary.BigEndian.PutUint64(head[12:], uint64(e.first))
	binary.BigEndian.PutUint64(head[20:], uint64(e.last))
	binary.BigEndian.PutUint32(head[28:], e.records)
	binary.BigEndian.PutUint64(head[32:], e.lost)
	e.check = checkBlock(head, payload)
	binary.BigEndian.PutUint64(head[40:], e.check)
	return dst
}

func checkBlock(head, payload []byte) uint64 {
	var d xxhash.Digest
	d.Reset()
	_, _ = d.Write(head[:40]) // never fails
	_, _ = d.Write(payload)
	return d.Sum64()
}

// parseHead reads a block's head. What it says is possible, not yet true.
func parseHead(head []byte) (e extent, err error) {
	if !bytes.HasPrefix(head, []byte(blockMagic)) {
		return e, errNoBlock
	}
	e = extent{
		raw:     int(binary.BigEndian.Uint32(head[4:])),
		size:    int(binary.BigEndian.Uint32(head[8:])),
		first:   time.Duration(binary.BigEndian.Uint64(head[12:])),
		last:    time.Duration(binary.BigEndian.Uint64(head[20:])),
		records: binary.BigEndian.Uint32(head[28:]),
		lost:    binary.BigEndian.Uint64(head[32:]),
		check:   binary.BigEndian.Uint64(head[40:]),
	}
	if e.raw > maxRaw || e.size > maxPayload || e.first < 0 || e.last < e.first || e.records == 0 || int(e.records) > e.raw {
		return e, errBadHead
	}
	return e, nil
}

// newEncoder and newDecoder work in the goroutine that calls them: a recorder
// must not take the gateway's processors, and blocks come one after the other.
func newEncoder() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err) // the options do not go together
	}
	return e
}

func newDecoder() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxRaw),
		zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		panic(err) // the options do not go together
	}
	return d
}
