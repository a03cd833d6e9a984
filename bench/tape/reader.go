package tape

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"
)

// DamageError: from Offset on, the file is not as it was written. All that
// stands before it was given.
type DamageError struct {
	Offset int64
	Why    string
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("the tape is damaged from byte %d on: %s", e.Offset, e.Why)
}

// Info is what is known of a tape without reading it through.
type Info struct {
	Header
	Version int
	// Bytes is the size of the file.
	Bytes int64
	// Blocks, Records, Dropped and Duration are those of the part that can be
	// reached. Dropped is how many records were lost because the disk was slow.
	Blocks   int
	Records  uint64
	Dropped  uint64
	Duration time.Duration
	// Ended: the tape has its index, so its writer came to an end.
	Ended bool
	// Damage is what is known to be wrong; nil if nothing is, so far.
	Damage *DamageError
}

// Reader reads one tape, from its beginning or from any time. It belongs to one
// goroutine. Nothing in a file, however made, has it hold more than a block and
// the index.
type Reader struct {
	in    io.ReaderAt
	close func() error
	dec   *zstd.Decoder
	info  Info

	blocks []extent
	next   int // block
	damage *DamageError

	// The block at hand.
	payload, raw []byte
	rest         []byte // of raw, not decoded
	block        extent
	records      uint32 // decoded
	lost         uint64 // decoded
	at           time.Duration
	skipTo       time.Duration
}

// Open opens a tape. Its errors are ErrNotTape, VersionError and DamageError, if
// nothing at all can be read, and those of the file system.
func Open(path string) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open tape: %w", err)
	}
	var r *Reader
	st, err := f.Stat()
	if err == nil {
		r, err = NewReader(f, st.Size())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, errors.Join(err, f.Close()))
	}
	r.close = f.Close
	return r, nil
}

// NewReader reads a tape of so many bytes.
func NewReader(in io.ReaderAt, size int64) (*Reader, error) {
	h, end, err := readPreamble(in)
	if err != nil {
		return nil, err
	}
	r := &Reader{in: in, close: func() error { return nil }, dec: newDecoder(), info: Info{Header: h, Version: Version, Bytes: size}}
	if r.blocks, r.info.Ended = r.readIndex(end, size); !r.info.Ended {
		if r.blocks, r.info.Damage, err = r.scan(end, size); err != nil {
			return nil, err
		}
	}
	r.damage = r.info.Damage
	for i := range r.blocks {
		r.info.Records += uint64(r.blocks[i].records)
		r.info.Dropped += r.blocks[i].lost
	}
	if n := len(r.blocks); n > 0 {
		r.info.Blocks, r.info.Duration = n, r.blocks[n-1].last
	}
	return r, nil
}

// readIndex reads the index, if there is one and it can be true.
func (r *Reader) readIndex(begin, size int64) (blocks []extent, ok bool) {
	footer := make([]byte, footerSize)
	if size < begin+indexHead+checkSize+footerSize {
		return nil, false
	}
	if _, err := r.in.ReadAt(footer, size-footerSize); err != nil || string(footer[8:]) != footerMagic {
		return nil, false
	}
	offset := int64(binary.BigEndian.Uint64(footer))
	if offset < begin || offset > size-footerSize-indexHead-checkSize {
		return nil, false
	}
	// What is not as large as so many blocks before it can need is not read.
	length := size - footerSize - offset
	if most := (offset - begin) / blockHead; length > indexHead+most*indexEntry+checkSize {
		return nil, false
	}
	index := make([]byte, length)
	if _, err := r.in.ReadAt(index, offset); err != nil {
		return nil, false
	}
	if blocks, ok = parseIndex(index); !ok {
		return nil, false
	}
	last, at := begin, time.Duration(0)
	for i := range blocks {
		e := &blocks[i]
		if e.offset < last || e.offset > offset-blockHead || i == 0 && e.offset != begin || e.first < at || e.last < e.first {
			return nil, false
		}
		last, at = e.offset+blockHead, e.last
	}
	return blocks, true
}

// scan makes the index again, from head to head.
func (r *Reader) scan(offset, size int64) (blocks []extent, damage *DamageError, err error) {
	head := make([]byte, blockHead)
	at := time.Duration(0)
	for offset < size {
		n, err := r.in.ReadAt(head, offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, nil, fmt.Errorf("read tape: %w", err)
		}
		if n >= len(indexMagic) && string(head[:len(indexMagic)]) == indexMagic {
			return blocks, &DamageError{Offset: offset, Why: "the index is not whole; no record stands behind it"}, nil
		}
		if n < blockHead {
			return blocks, &DamageError{Offset: offset, Why: "the file ends within a block"}, nil
		}
		e, err := parseHead(head)
		e.offset = offset
		end := offset + blockHead + int64(e.size)
		switch {
		case err != nil:
			return blocks, &DamageError{Offset: offset, Why: err.Error()}, nil
		case e.first < at:
			return blocks, &DamageError{Offset: offset, Why: errBadHead.Error()}, nil
		case end > size:
			return blocks, &DamageError{Offset: offset, Why: "the file ends within a block"}, nil
		}
		blocks = append(blocks, e)
		offset, at = end, e.last
	}
	return blocks, nil, nil
}

// Info returns what is known of the tape.
func (r *Reader) Info() Info { return r.info }

// Next reads the next record. Its frame is valid until the next call. The error
// is io.EOF at the end, and DamageError where nothing more can be read.
func (r *Reader) Next(rec *Record) error {
	for {
		if len(r.rest) == 0 {
			if err := r.nextBlock(); err != nil {
				return err
			}
		}
		rest, dt, err := decodeRecord(r.rest, rec)
		if err == nil && dt > r.block.last-r.at {
			err = errBadRecord
		}
		if err != nil {
			return r.damaged(r.block.offset, err.Error())
		}
		r.rest = rest
		r.at += dt
		r.records++
		r.lost += rec.Lost
		rec.At = r.at
		if rec.At >= r.skipTo {
			return nil
		}
	}
}

// nextBlock loads the block after the one at hand, which was read to its end.
func (r *Reader) nextBlock() error {
	if r.raw != nil && (r.records != r.block.records || r.lost != r.block.lost || r.at != r.block.last) {
		return r.damaged(r.block.offset, "a block does not hold what its head says")
	}
	if r.next == len(r.blocks) {
		if r.damage != nil {
			return r.damage
		}
		return io.EOF
	}
	offset, before := r.blocks[r.next].offset, r.at
	err := r.load(offset)
	if err == nil && r.at < before {
		err = errBadHead
	}
	if err != nil {
		return r.damaged(offset, err.Error())
	}
	r.next++
	return nil
}

// damaged remembers where reading ends from now on.
func (r *Reader) damaged(offset int64, why string) error {
	r.raw, r.rest, r.next = nil, nil, len(r.blocks)
	r.damage = &DamageError{Offset: offset, Why: why}
	return r.damage
}

// load reads a block.
func (r *Reader) load(offset int64) error {
	var head [blockHead]byte
	if _, err := r.in.ReadAt(head[:], offset); err != nil {
		return err
	}
	e, err := parseHead(head[:])
	if err != nil {
		return err
	}
	if int64(e.size) > r.info.Bytes-offset-blockHead {
		return errBadHead
	}
	e.offset = offset
	r.payload = slices.Grow(r.payload[:0], e.size)[:e.size]
	if _, err := r.in.ReadAt(r.payload, offset+blockHead); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if checkBlock(head[:], r.payload) != e.check {
		return errBadCheck
	}
	raw, err := r.dec.DecodeAll(r.payload, slices.Grow(r.raw[:0], e.raw)[:0:e.raw])
	if err != nil || len(raw) != e.raw {
		return errBadZstd
	}
	r.raw, r.rest, r.block, r.records, r.lost, r.at = raw, raw, e, 0, 0, e.first
	return nil
}

// SeekTime goes to the first record that is not before d. Past a damage it finds
// what stands behind it, if the tape has its index.
func (r *Reader) SeekTime(d time.Duration) {
	r.next, _ = slices.BinarySearchFunc(r.blocks, d, func(e extent, d time.Duration) int {
		if e.last < d {
			return -1
		}
		return 1
	})
	r.raw, r.rest, r.at, r.skipTo, r.damage = nil, nil, 0, d, r.info.Damage
}

// Close closes the file.
func (r *Reader) Close() error {
	r.dec.Close()
	return r.close()
}
