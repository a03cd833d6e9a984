package tape

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cespare/xxhash/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	tapev1 "github.com/holdfast-game/holdfast/proto/tape/v1"
)

// Version is that of the format which this package writes, and the newest that
// it reads.
const Version = 1

const (
	magic        = "\x89tape\r\n\x1a"
	preambleHead = 14
	// maxHeader is more than a header can have.
	maxHeader = 64 << 10
)

// Header is what a tape says about itself.
type Header struct {
	// Started is the moment that the records' times count from.
	Started time.Time
	// Node is whose gateway was recorded; "" for a tape that has no such node.
	Node string
	// Build is the version of the program that recorded.
	Build string
	// Hashed: players are named by a keyed hash. KeyID tells keys apart: tapes with
	// the same one have the same names for the same players.
	Hashed bool
	KeyID  string
	// Recording names what this tape is a part of, and Part counts its tapes, from
	// 1. Connections have the same numbers on all of them.
	Recording string
	Part      int
	// Profile is what the tape was made up from; "" when it was recorded.
	Profile string
}

func (h *Header) message() *tapev1.Header {
	return &tapev1.Header{
		Started: timestamppb.New(h.Started), Node: h.Node, Build: h.Build, Hashed: h.Hashed, KeyId: h.KeyID,
		Recording: h.Recording, Part: uint32(h.Part), Profile: h.Profile,
	}
}

func headerOf(m *tapev1.Header) Header {
	return Header{
		Started: m.GetStarted().AsTime(), Node: m.GetNode(), Build: m.GetBuild(), Hashed: m.GetHashed(), KeyID: m.GetKeyId(),
		Recording: m.GetRecording(), Part: int(m.GetPart()), Profile: m.GetProfile(),
	}
}

// ErrNotTape: the file does not begin as tapes do.
var ErrNotTape = errors.New("this is no tape")

// VersionError: the tape has a format that this package does not know.
type VersionError struct{ Version int }

func (e *VersionError) Error() string {
	return fmt.Sprintf("the tape has format %d, and this program reads format %d: take a newer program", e.Version, Version)
}

// appendPreamble encodes what a tape begins with.
func appendPreamble(dst []byte, h *Header) ([]byte, error) {
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(h.message())
	if err != nil {
		return nil, fmt.Errorf("encode header: %w", err)
	}
	if len(body) > maxHeader {
		return nil, fmt.Errorf("the header has %d bytes, the most is %d", len(body), maxHeader)
	}
	start := len(dst)
	dst = append(dst, magic...)
	dst = binary.BigEndian.AppendUint16(dst, Version)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(body)))
	dst = append(dst, body...)
	return binary.BigEndian.AppendUint64(dst, xxhash.Sum64(dst[start:])), nil
}

// readPreamble reads it, and returns where the blocks begin.
func readPreamble(r io.ReaderAt) (h Header, end int64, err error) {
	head := make([]byte, preambleHead)
	n, err := r.ReadAt(head, 0)
	switch {
	case n < len(magic) && err != io.EOF:
		return h, 0, fmt.Errorf("read tape: %w", err)
	case n < len(magic) || string(head[:len(magic)]) != magic:
		return h, 0, ErrNotTape
	case n < preambleHead:
		return h, 0, &DamageError{Why: "the file ends within its preamble"}
	}
	version := binary.BigEndian.Uint16(head[8:])
	size := binary.BigEndian.Uint32(head[10:])
	switch {
	case version > Version:
		return h, 0, &VersionError{Version: int(version)}
	case version == 0 || size > maxHeader:
		return h, 0, &DamageError{Why: "the preamble makes no sense"}
	}
	whole := make([]byte, preambleHead+int(size)+checkSize)
	if _, err := r.ReadAt(whole, 0); errors.Is(err, io.EOF) {
		return h, 0, &DamageError{Why: "the file ends within its preamble"}
	} else if err != nil {
		return h, 0, fmt.Errorf("read tape: %w", err)
	}
	body := whole[:len(whole)-checkSize]
	var m tapev1.Header
	if xxhash.Sum64(body) != binary.BigEndian.Uint64(whole[len(body):]) || proto.Unmarshal(body[preambleHead:], &m) != nil {
		return h, 0, &DamageError{Why: "the checksum of the preamble does not fit its bytes"}
	}
	return headerOf(&m), int64(len(whole)), nil
}
