package tape

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/klauspost/compress/zstd"
)

// What a Writer refuses.
var (
	// ErrBackwards: a record is older than the one before it.
	ErrBackwards = errors.New("a record is older than the one before it")
	// ErrTooLarge: a frame, or a name, has more than MaxFrame bytes.
	ErrTooLarge = errors.New("a record is too large")
	// ErrBadKind: a record is of no kind that there is.
	ErrBadKind = errors.New("a record is of no known kind")
)

// Writer writes one tape. It belongs to one goroutine.
type Writer struct {
	out    io.Writer
	enc    *zstd.Encoder
	err    error // of the file: there is no more to be written to it
	offset int64

	block  extent
	raw    []byte
	buffer []byte
	blocks []extent
}

// Create begins a tape in a new file. One that exists is left alone: an error.
func Create(path string, h Header) (*Writer, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create tape: %w", err)
	}
	w, err := NewWriter(f, h)
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	return w, nil
}

// NewWriter begins a tape. Close closes out if it can be closed.
func NewWriter(out io.Writer, h Header) (*Writer, error) {
	preamble, err := appendPreamble(nil, &h)
	if err != nil {
		return nil, err
	}
	w := &Writer{out: out, enc: newEncoder()}
	return w, w.write(preamble)
}

func (w *Writer) write(p []byte) error {
	if w.err != nil {
		return w.err
	}
	n, err := w.out.Write(p)
	w.offset += int64(n)
	if err != nil {
		w.err = fmt.Errorf("write tape: %w", err)
	}
	return w.err
}

// Append adds a record, of which it keeps nothing. It must not be older than the
// one before it.
func (w *Writer) Append(r *Record) error {
	switch {
	case w.err != nil:
		return w.err
	case r.Kind < Opened || r.Kind > Dropped:
		return ErrBadKind
	case len(r.Frame) > MaxFrame || len(r.Player) > MaxFrame || uint64(r.Size) > maxUint32 || uint64(r.Viewers) > maxUint32:
		return ErrTooLarge
	case r.At < w.block.last:
		return ErrBackwards
	}
	b := &w.block
	if b.records == 0 {
		b.first, b.last = r.At, r.At
	}
	w.raw = appendRecord(w.raw, r, r.At-b.last)
	b.last = r.At
	b.records++
	b.lost += r.Lost
	if len(w.raw) >= fullBlock {
		return w.Flush()
	}
	return nil
}

// Flush writes what was appended, as a block of its own. It does not wait for
// the disk.
func (w *Writer) Flush() error {
	if w.err != nil || len(w.raw) == 0 {
		return w.err
	}
	w.block.offset = w.offset
	w.buffer = appendBlock(w.buffer[:0], w.enc, &w.block, w.raw)
	if err := w.write(w.buffer); err != nil {
		return err
	}
	w.blocks = append(w.blocks, w.block)
	w.block = extent{last: w.block.last}
	w.raw = w.raw[:0]
	if cap(w.raw) > 2*fullBlock { // a rare large record must not stay for ever
		w.raw, w.buffer = nil, nil
	}
	return nil
}

// Size is how many bytes the file has, which is less than was appended.
func (w *Writer) Size() int64 { return w.offset }

// Last is the time of the last record.
func (w *Writer) Last() time.Duration { return w.block.last }

// Close writes the rest and the index. The tape is whole if there is no error.
func (w *Writer) Close() error {
	err := w.Flush()
	if err == nil {
		err = w.write(appendIndex(nil, w.offset, w.blocks))
	}
	if w.err == nil {
		w.err = os.ErrClosed
	}
	if c, ok := w.out.(io.Closer); ok {
		err = errors.Join(err, c.Close())
	}
	_ = w.enc.Close() // it holds nothing
	return err
}
