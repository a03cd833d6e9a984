package bisect

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/holdfast-game/holdfast/actors"
)

const (
	greeting = "holdfast-fold"
	version  = 1

	typeHello  = 'H'
	typeFold   = 'F'
	typeAnswer = 'A'
	typeShow   = 'S'
	typeShown  = 'T'

	itemEvent = 'e'
	itemState = 's'

	// maxFrame bounds what a frame may be said to be long. The largest that there
	// are hold one actor's state.
	maxFrame = 64 << 20
)

// errBroken: a frame is not what the protocol says.
var errBroken = errors.New("broken frame")

// pipe is one side of a conversation.
type pipe struct {
	in  *bufio.Reader
	out *bufio.Writer
	buf []byte // of the last frame read
}

func newPipe(in io.Reader, out io.Writer) *pipe {
	return &pipe{in: bufio.NewReaderSize(in, 64<<10), out: bufio.NewWriterSize(out, 64<<10)}
}

// write sends one frame.
func (p *pipe) write(typ byte, body []byte) error {
	if len(body)+1 > maxFrame {
		return fmt.Errorf("a frame of %d bytes is too long", len(body))
	}
	head := binary.LittleEndian.AppendUint32(make([]byte, 0, 5), uint32(len(body)+1))
	_, _ = p.out.Write(append(head, typ)) // errors come with Flush
	_, _ = p.out.Write(body)
	return p.out.Flush()
}

// read returns the next frame. Its body is valid until the next call. io.EOF is
// an end between two frames.
func (p *pipe) read() (typ byte, body []byte, err error) {
	var head [4]byte
	if _, err := io.ReadFull(p.in, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n == 0 || n > maxFrame {
		return 0, nil, fmt.Errorf("%w: of %d bytes", errBroken, n)
	}
	// What is said to come is not believed before it comes.
	p.buf = p.buf[:0]
	for uint32(len(p.buf)) < n {
		at, more := len(p.buf), min(int(n)-len(p.buf), 1<<20)
		p.buf = append(p.buf, make([]byte, more)...)
		if _, err := io.ReadFull(p.in, p.buf[at:]); err != nil {
			return 0, nil, fmt.Errorf("%w: it ends after %d of %d bytes", errBroken, at, n)
		}
	}
	return p.buf[0], p.buf[1:], nil
}

func appendString[S string | []byte](dst []byte, s S) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// fields is what is left of a body. Once bad, it stays so.
type fields struct {
	data []byte
	bad  bool
}

func (f *fields) uvarint() uint64 {
	v, n := binary.Uvarint(f.data)
	if n <= 0 {
		f.data, f.bad = nil, true
		return 0
	}
	f.data = f.data[n:]
	return v
}

func (f *fields) take(n uint64) []byte {
	if n > uint64(len(f.data)) {
		f.data, f.bad = nil, true
		return nil
	}
	b := f.data[:n:n]
	f.data = f.data[n:]
	return b
}

func (f *fields) bytes() []byte { return f.take(f.uvarint()) }

// appendItem encodes an item of a fold.
func appendItem(dst []byte, it *Item) []byte {
	typ := byte(itemEvent)
	if it.State {
		typ = itemState
	}
	dst = append(dst, typ)
	dst = appendString(dst, it.Actor.Kind)
	dst = appendString(dst, it.Actor.ID)
	dst = binary.AppendUvarint(dst, it.Seq)
	return appendString(dst, it.Data)
}

// item decodes the next item of a fold. Its bytes are those of the frame.
func (f *fields) item() (Item, error) {
	typ := f.take(1)
	it := Item{Actor: actors.Ref{Kind: string(f.bytes()), ID: string(f.bytes())}, Seq: f.uvarint()}
	it.Data = f.bytes()
	switch {
	case f.bad:
		return it, errBroken
	case typ[0] != itemEvent && typ[0] != itemState:
		return it, fmt.Errorf("%w: an item of type %q", errBroken, typ)
	}
	it.State = typ[0] == itemState
	return it, nil
}

// Outcome is what a build makes of an actor.
type Outcome struct {
	// Hash is the actor's share of the state hash, if Refused is "".
	Hash uint64
	// Refused says why the build could not fold the actor.
	Refused string
}

func appendOutcome(dst []byte, o Outcome) []byte {
	dst = appendString(dst, o.Refused)
	if o.Refused == "" {
		dst = binary.LittleEndian.AppendUint64(dst, o.Hash)
	}
	return dst
}

// outcomes decodes an answer to a fold of n actors.
func (f *fields) outcomes(n int) ([]Outcome, error) {
	out := make([]Outcome, n)
	for i := range out {
		out[i].Refused = string(f.bytes())
		if out[i].Refused == "" {
			if b := f.take(8); b != nil {
				out[i].Hash = binary.LittleEndian.Uint64(b)
			}
		}
	}
	if f.bad || len(f.data) > 0 {
		return nil, errBroken
	}
	return out, nil
}

// same says whether two builds agree. In which words they refuse an event is
// theirs.
func (o Outcome) same(p Outcome) bool {
	if o.Refused != "" || p.Refused != "" {
		return o.Refused != "" && p.Refused != ""
	}
	return o.Hash == p.Hash
}
