package delta

import (
	"encoding/json"
	"fmt"
	"math/bits"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/encoding/protowire"
)

// snapshot is a tick as a server would send it that keeps no history, in protobuf:
//
//	message Snapshot { uint32 tick = 1; repeated Entity entities = 2; }
//	message Entity { uint32 id = 1; uint32 x = 2; uint32 y = 3; uint32 heading = 4; uint32 hp = 5; uint32 state = 6; }
func snapshot(dst []byte, t Tick) []byte {
	dst = field(dst, 1, t.Tick)
	var entity []byte
	for _, e := range t.Entities {
		entity = entity[:0]
		for i, v := range [...]uint32{e.ID, e.X, e.Y, e.Heading, e.HP, e.State} {
			entity = field(entity, protowire.Number(i+1), v)
		}
		dst = protowire.AppendTag(dst, 2, protowire.BytesType)
		dst = protowire.AppendBytes(dst, entity)
	}
	return dst
}

// field leaves out 0, as proto3 does.
func field(dst []byte, n protowire.Number, v uint32) []byte {
	if v != 0 {
		dst = protowire.AppendTag(dst, n, protowire.VarintType)
		dst = protowire.AppendVarint(dst, uint64(v))
	}
	return dst
}

// jsonSize is that of a tick as JSON.
func jsonSize(t Tick) (int, error) {
	type entity struct {
		ID      uint32 `json:"id"`
		X       uint32 `json:"x"`
		Y       uint32 `json:"y"`
		Heading uint32 `json:"heading"`
		HP      uint32 `json:"hp"`
		State   uint32 `json:"state"`
	}
	all := make([]entity, len(t.Entities))
	for i, e := range t.Entities {
		all[i] = entity(e)
	}
	b, err := json.Marshal(map[string]any{"tick": t.Tick, "entities": all})
	if err != nil {
		return 0, fmt.Errorf("encode tick %d as JSON: %w", t.Tick, err)
	}
	return len(b), nil
}

// zstdSize is that of a snapshot compressed with the one before it for a
// dictionary.
func zstdSize(before, now []byte) (int, error) {
	// The window holds both; a larger one is memory made and thrown away each time.
	window := max(zstd.MinWindowSize, 1<<bits.Len(uint(len(before)+len(now))))
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithEncoderLevel(zstd.SpeedBetterCompression),
		zstd.WithWindowSize(window), zstd.WithEncoderCRC(false), zstd.WithEncoderDictRaw(1, before))
	if err != nil {
		return 0, fmt.Errorf("compress: %w", err)
	}
	size := len(e.EncodeAll(now, nil))
	if err := e.Close(); err != nil {
		return 0, fmt.Errorf("compress: %w", err)
	}
	return size, nil
}
