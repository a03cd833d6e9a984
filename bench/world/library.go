package world

import (
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"
	"google.golang.org/protobuf/encoding/protowire"
)

// messageID names a message by its contents. What a server sends to a thousand
// viewers is one message.
type messageID uint32

// maxLibrary bounds the bytes kept: far more than a run has, as long as viewers
// are sent the same.
const maxLibrary = 1 << 30

// library keeps each message once. Comparing fingerprints of 64 bits tells
// whether viewers were sent the same, byte by byte; what the bytes mean is looked
// at when the load is over.
type library struct {
	ids   map[uint64]messageID // by fingerprint
	texts [][]byte
	size  int
	full  bool
}

func newLibrary() *library { return &library{ids: make(map[uint64]messageID)} }

// file returns the id of a message, and keeps a copy of a new one.
func (l *library) file(message []byte) messageID {
	fingerprint := xxhash.Sum64(message)
	id, known := l.ids[fingerprint]
	if !known {
		id = messageID(len(l.texts))
		l.ids[fingerprint] = id
		if l.size += len(message); l.size > maxLibrary {
			l.full = true // and this one is empty: judging the run will fail
			message = nil
		}
		l.texts = append(l.texts, slices.Clone(message))
	}
	return id
}

// kind is what a message is about.
type kind uint8

const (
	kindOther kind = iota
	kindKey
	kindFrame
	kindGone
)

// meaning is what a server's message says about the world.
type meaning struct {
	kind   kind
	stream uint32
	frame  []byte // of the codec
}

// Fields of proto/client/v1, read by hand: what is not about the world is left
// undecoded. A test holds them against the generated code.
const (
	serverFrameWorld = 11
	serverFrameKey   = 12
	serverFrameGone  = 13
	worldStream      = 1 // of WorldFrame and WorldKey
	worldFrame       = 2
	keyFrame         = 4
)

// explain reads a ServerFrame.
func explain(message []byte) (m meaning, err error) {
	err = eachField(message, func(n protowire.Number, _ uint64, body []byte) error {
		switch n {
		case serverFrameWorld, serverFrameKey:
			frame := protowire.Number(worldFrame)
			if m.kind = kindFrame; n == serverFrameKey {
				m.kind, frame = kindKey, keyFrame
			}
			return eachField(body, func(n protowire.Number, v uint64, body []byte) error {
				switch n {
				case worldStream:
					m.stream = uint32(v)
				case frame:
					m.frame = body
				}
				return nil
			})
		case serverFrameGone:
			m.kind = kindGone
		}
		return nil
	})
	return m, err
}

// eachField calls fn for the fields of an encoded message that are varints or
// have a length.
func eachField(data []byte, fn func(n protowire.Number, v uint64, body []byte) error) error {
	for len(data) > 0 {
		n, kind, size := protowire.ConsumeTag(data)
		if size < 0 {
			return fmt.Errorf("decode message: %w", protowire.ParseError(size))
		}
		data = data[size:]
		var v uint64
		var body []byte
		switch kind {
		case protowire.VarintType:
			v, size = protowire.ConsumeVarint(data)
		case protowire.BytesType:
			body, size = protowire.ConsumeBytes(data)
		default:
			size = protowire.ConsumeFieldValue(n, kind, data)
		}
		if size < 0 {
			return fmt.Errorf("decode message: %w", protowire.ParseError(size))
		}
		data = data[size:]
		if err := fn(n, v, body); err != nil {
			return err
		}
	}
	return nil
}
