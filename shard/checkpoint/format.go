package checkpoint

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A part, version 1, before compression. The whole of it is one zstd frame.
//
//	size  field
//	3     "HFP"
//	1     version: 1
//	then for each actor
//	1     1
//	…     uvarint length of kind, then kind
//	…     uvarint length of id, then id
//	…     uvarint seq
//	…     uvarint length of state, then state
//	and at the end
//	1     0
//	…     uvarint number of actors
//
// uvarint is that of encoding/binary. Parts are readable for ever: testdata/
// holds one of each version.
const (
	partMagic   = "HFP"
	partVersion = 1

	tagEnd   = 0
	tagActor = 1

	// maxName bounds kind and id.
	maxName = 64 << 10
	// maxState bounds the state of one actor, and so what a reader allocates on
	// the word of a length.
	maxState = 64 << 20
)

// Encoders and decoders are large and costly to make.
var (
	encoders = sync.Pool{New: func() any {
		// One goroutine, and fast rather than small: the shards need the cores.
		e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			panic(err) // the options are constants
		}
		return e
	}}
	decoders = sync.Pool{New: func() any {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
		if err != nil {
			panic(err)
		}
		return d
	}}
)

// encode writes a part with the actors that each yields.
func encode(w io.Writer, each func(yield func(Actor) error) error) error {
	z := encoders.Get().(*zstd.Encoder)
	z.Reset(w)
	defer func() {
		z.Reset(nil)
		encoders.Put(z)
	}()
	buf := append([]byte(partMagic), partVersion)
	count := uint64(0)
	err := each(func(a Actor) error {
		if len(a.Kind) > maxName || len(a.ID) > maxName || len(a.State) > maxState {
			return fmt.Errorf("%w: %d bytes of %s/%.40s", ErrTooLarge, len(a.State), a.Kind, a.ID)
		}
		count++
		buf = append(buf, tagActor)
		buf = binary.AppendUvarint(buf, uint64(len(a.Kind)))
		buf = append(buf, a.Kind...)
		buf = binary.AppendUvarint(buf, uint64(len(a.ID)))
		buf = append(buf, a.ID...)
		buf = binary.AppendUvarint(buf, a.Seq)
		buf = binary.AppendUvarint(buf, uint64(len(a.State)))
		buf = append(buf, a.State...)
		if len(buf) < encodeStep {
			return nil
		}
		_, err := z.Write(buf)
		buf = buf[:0]
		return err
	})
	if err != nil {
		return err
	}
	buf = binary.AppendUvarint(append(buf, tagEnd), count)
	if _, err := z.Write(buf); err != nil {
		return err
	}
	return z.Close()
}

// encodeStep is how much is collected for the compressor at a time.
const encodeStep = 32 << 10

// decode passes on the actors of a part.
func decode(r io.Reader, fn func(Actor) error) error {
	z := decoders.Get().(*zstd.Decoder)
	defer func() {
		_ = z.Reset(nil) // cannot fail for nil
		decoders.Put(z)
	}()
	if err := z.Reset(r); err != nil {
		return corrupt(err)
	}
	d := partDecoder{r: bufio.NewReaderSize(z, 64<<10)}
	var magic [len(partMagic) + 1]byte
	if _, err := io.ReadFull(d.r, magic[:]); err != nil {
		return corrupt(err)
	}
	if string(magic[:len(partMagic)]) != partMagic {
		return fmt.Errorf("%w: not a part of a checkpoint", ErrCorrupt)
	}
	if v := magic[len(partMagic)]; v != partVersion {
		return fmt.Errorf("%w: version %d, this program reads version %d", ErrCorrupt, v, partVersion)
	}
	for count := uint64(0); ; count++ {
		switch tag := d.byte(); {
		case d.err != nil:
			return corrupt(d.err)
		case tag == tagActor:
			a := Actor{Kind: d.name(), ID: string(d.bytes(maxName)), Seq: d.uvarint(), State: d.bytes(maxState)}
			if d.err != nil {
				return corrupt(d.err)
			}
			if err := fn(a); err != nil {
				return err
			}
		case tag == tagEnd:
			if want := d.uvarint(); d.err != nil || want != count {
				return fmt.Errorf("%w: %d actors, must be %d", ErrCorrupt, count, want)
			}
			if _, err := d.r.ReadByte(); !errors.Is(err, io.EOF) {
				return fmt.Errorf("%w: more behind the end", ErrCorrupt)
			}
			return nil
		default:
			return fmt.Errorf("%w: unknown tag %d", ErrCorrupt, tag)
		}
	}
}

func corrupt(err error) error { return fmt.Errorf("%w: %w", ErrCorrupt, err) }

// partDecoder reads fields until the first error.
type partDecoder struct {
	r    *bufio.Reader
	err  error
	kind string
}

func (d *partDecoder) byte() byte {
	if d.err != nil {
		return 0
	}
	b, err := d.r.ReadByte()
	d.fail(err)
	return b
}

func (d *partDecoder) uvarint() uint64 {
	if d.err != nil {
		return 0
	}
	v, err := binary.ReadUvarint(d.r)
	d.fail(err)
	return v
}

func (d *partDecoder) bytes(limit uint64) []byte {
	n := d.uvarint()
	if d.err == nil && n > limit {
		d.err = fmt.Errorf("length %d, at most %d", n, limit)
	}
	if d.err != nil {
		return nil
	}
	// A length is a claim: memory is given out only as bytes come in.
	b := []byte{}
	for uint64(len(b)) < n && d.err == nil {
		have := len(b)
		step := int(min(n-uint64(have), max(uint64(have), trusted)))
		b = slices.Grow(b, step)[:have+step]
		_, err := io.ReadFull(d.r, b[have:])
		d.fail(err)
	}
	return b
}

// trusted is the length up to which a claim is believed.
const trusted = 64 << 10

// name reads a kind, which is mostly the same as the last.
func (d *partDecoder) name() string {
	if b := d.bytes(maxName); string(b) != d.kind {
		d.kind = string(b)
	}
	return d.kind
}

func (d *partDecoder) fail(err error) {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if d.err == nil {
		d.err = err
	}
}
