package world

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/holdfast-game/holdfast/proto/delta"
)

// A full snapshot is what a server would send each tick that does not know what
// clients have seen, as protobuf:
//
//	message Snapshot { uint32 tick = 1; repeated Entity entities = 2; }
//	message Entity { uint32 id = 1; then one uint32 for each field of the world }
const (
	snapshotTick     = 1
	snapshotEntities = 2
	entityID         = 1
	entityFields     = 2 // the first of them
)

// appendEntities appends the entities of a snapshot.
func appendEntities(dst []byte, t *delta.Table) []byte {
	for i := range t.Len() {
		size := sizeNumber(entityID, t.ID(i))
		for f, v := range t.Row(i) {
			size += sizeNumber(entityFields+protowire.Number(f), v)
		}
		dst = protowire.AppendTag(dst, snapshotEntities, protowire.BytesType)
		dst = protowire.AppendVarint(dst, uint64(size))
		dst = appendNumber(dst, entityID, t.ID(i))
		for f, v := range t.Row(i) {
			dst = appendNumber(dst, entityFields+protowire.Number(f), v)
		}
	}
	return dst
}

// sizeNumber and appendNumber leave out 0, as proto3 does.
func sizeNumber(n protowire.Number, v uint32) int {
	if v == 0 {
		return 0
	}
	return protowire.SizeTag(n) + protowire.SizeVarint(uint64(v))
}

func appendNumber(dst []byte, n protowire.Number, v uint32) []byte {
	if v == 0 {
		return dst
	}
	return protowire.AppendVarint(protowire.AppendTag(dst, n, protowire.VarintType), uint64(v))
}

// snapshotSize is that of a snapshot as a WebSocket message.
func snapshotSize(tick uint32, entities []byte) int {
	return framed(sizeNumber(snapshotTick, tick) + len(entities))
}

// framed is the size of a message with its head: RFC 6455, section 5.2.
func framed(payload int) int {
	switch {
	case payload < 126:
		return 2 + payload
	case payload <= 0xFFFF:
		return 4 + payload
	default:
		return 10 + payload
	}
}

// trace is the entities of some ticks, one after the other, as the bare server
// sends them round and round.
type trace [][]byte

// maxTrace bounds the ticks kept.
const maxTrace = 1200

// maxTick bounds one tick of a trace that is read.
const maxTick = 1 << 20

// write writes each tick's length and bytes.
func (t trace) write(w io.Writer) error {
	out := bufio.NewWriter(w)
	for _, tick := range t {
		// A bufio.Writer keeps its first error for Flush.
		_, _ = out.Write(binary.AppendUvarint(nil, uint64(len(tick))))
		_, _ = out.Write(tick)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write trace: %w", err)
	}
	return nil
}

func readTrace(r io.Reader) (t trace, err error) {
	in := bufio.NewReader(r)
	for {
		size, err := binary.ReadUvarint(in)
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err == nil && (size > maxTick || len(t) == maxTrace) {
			err = errors.New("longer than any that is written")
		}
		if err != nil {
			return nil, fmt.Errorf("read trace: %w", err)
		}
		tick := make([]byte, size)
		if _, err := io.ReadFull(in, tick); err != nil {
			return nil, fmt.Errorf("read trace: %w", err)
		}
		t = append(t, tick)
	}
}
