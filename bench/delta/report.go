package delta

import (
	"fmt"
	"io"
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// Report is how a trace was encoded. Bytes, ratios and times leave out the first
// tick, whose frame is a keyframe.
type Report struct {
	Trace string `json:"trace"`
	Ticks int    `json:"ticks"`
	// Per tick.
	Entities     float64 `json:"entities"`
	BytesPerTick Bytes   `json:"bytes_per_tick"`
	// Bytes of protobuf snapshots over those of delta frames ...
	Ratio float64 `json:"ratio"`
	// ... and those of the others.
	RatioJSON float64 `json:"ratio_json"`
	RatioZstd float64 `json:"ratio_zstd"`
	// Of the codec.
	BitsPerEntity float64 `json:"bits_per_entity"`
	// What one who comes late needs, after the last tick.
	KeyframeBytes int `json:"keyframe_bytes"`

	// Of each tick's fastest pass.
	EncodeNs float64 `json:"encode_ns_per_entity"`
	DecodeNs float64 `json:"decode_ns_per_entity"`
	Passes   int     `json:"passes"`
	// Of encoder and decoder together, once they are warm.
	AllocsPerFrame float64 `json:"allocs_per_frame"`

	// Every tick was decoded to what it was, and the last one also from a keyframe.
	Lossless bool `json:"lossless"`
	// Ticks that were decoded to what they were.
	Verified int `json:"verified"`

	Machine figures.Machine `json:"machine"`

	bytes          struct{ protobuf, json, zstd, delta int }
	entities       int
	encode, decode time.Duration
}

// Bytes are those of each way to send a tick.
type Bytes struct {
	Protobuf float64 `json:"protobuf"`
	JSON     float64 `json:"json"`
	// The protobuf snapshot, with the one before it for a dictionary.
	Zstd  float64 `json:"zstd"`
	Delta float64 `json:"delta"`
}

// finish works out the means.
func (r *Report) finish() {
	per := func(n, of int) float64 { return figures.Round(float64(n)/float64(max(of, 1)), 2) }
	ticks := r.Ticks - 1
	b := r.bytes
	r.Entities = per(r.entities, ticks)
	r.BytesPerTick = Bytes{Protobuf: per(b.protobuf, ticks), JSON: per(b.json, ticks), Zstd: per(b.zstd, ticks), Delta: per(b.delta, ticks)}
	r.Ratio, r.RatioJSON, r.RatioZstd = per(b.protobuf, b.delta), per(b.json, b.delta), per(b.zstd, b.delta)
	r.BitsPerEntity = figures.Round(8*float64(b.delta)/float64(max(r.entities, 1)), 3)
	r.EncodeNs, r.DecodeNs = per(int(r.encode), r.entities), per(int(r.decode), r.entities)
}

// WriteText prints the report for people.
func (r *Report) WriteText(w io.Writer) error {
	t := figures.NewTable(w)
	b := r.BytesPerTick
	t.Row("Trace", fmt.Sprintf("%s, %s ticks, %.0f entities", r.Trace, figures.Thousands(int64(r.Ticks)), r.Entities))
	t.Row("Delta frames", fmt.Sprintf("%.1f bytes/tick, %.2f bits an entity", b.Delta, r.BitsPerEntity))
	t.Row("Protobuf", fmt.Sprintf("%.1f bytes/tick, %.1f × as much", b.Protobuf, r.Ratio))
	t.Row("JSON", fmt.Sprintf("%.1f bytes/tick, %.1f × as much", b.JSON, r.RatioJSON))
	t.Row("Zstd", fmt.Sprintf("%.1f bytes/tick, %.1f × as much", b.Zstd, r.RatioZstd))
	t.Row("Keyframe", figures.Thousands(int64(r.KeyframeBytes))+" bytes")
	t.Row("Encode", fmt.Sprintf("%.0f ns an entity", r.EncodeNs))
	t.Row("Decode", fmt.Sprintf("%.0f ns an entity", r.DecodeNs))
	t.Row("Allocations", fmt.Sprintf("%g a frame", r.AllocsPerFrame))
	t.Machine(r.Machine)
	t.Blank()
	if r.Lossless {
		t.Line(fmt.Sprintf("✓ all %s ticks decoded to what they were", figures.Thousands(int64(r.Verified))))
	} else {
		t.Line(fmt.Sprintf("✗ %s of %s ticks decoded to what they were", figures.Thousands(int64(r.Verified)), figures.Thousands(int64(r.Ticks))))
	}
	return t.Flush()
}
