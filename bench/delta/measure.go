package delta

import (
	"fmt"
	"runtime"
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/proto/delta"
)

// passes is how often everything is encoded and decoded for the times. Of each
// tick the fastest counts: the others were interrupted by something else.
const passes = 7

// Measure encodes a trace and decodes it again. It is an error when a trace cannot
// be encoded, not when something is lost: that is in the report.
func Measure(t Trace) (*Report, error) {
	r, err := measureDelta(t)
	if err != nil {
		return nil, err
	}
	if err := r.measureOthers(t); err != nil {
		return nil, err
	}
	r.finish()
	return r, nil
}

// measureDelta fills in what the codec does, and the snapshots that it is compared
// with.
func measureDelta(t Trace) (*Report, error) {
	schema, err := t.schema()
	if err != nil {
		return nil, err
	}
	r := &Report{Ticks: len(t), Passes: passes, Machine: figures.ThisMachine()}
	u := &run{tables: t.tables(schema), schema: schema}
	if err := u.measure(t, r); err != nil {
		return nil, err
	}
	var buffer []byte
	for _, tick := range t[1:] {
		buffer = snapshot(buffer[:0], tick)
		r.bytes.protobuf += len(buffer)
		r.entities += len(tick.Entities)
	}
	return r, nil
}

// measureOthers fills in the sizes of JSON and of compressed snapshots. The first
// tick does not count.
func (r *Report) measureOthers(t Trace) error {
	before := snapshot(nil, t[0])
	for _, tick := range t[1:] {
		asJSON, err := jsonSize(tick)
		if err != nil {
			return err
		}
		now := snapshot(nil, tick)
		asZstd, err := zstdSize(before, now)
		if err != nil {
			return err
		}
		r.bytes.json += asJSON
		r.bytes.zstd += asZstd
		before = now
	}
	return nil
}

// run is what the passes have in common.
type run struct {
	schema *delta.Schema
	tables []*delta.Table
	frames [][]byte
	// Of each tick, in the fastest pass.
	encode, decode []time.Duration
}

func (u *run) measure(t Trace, r *Report) error {
	u.frames = make([][]byte, len(t))
	u.encode, u.decode = make([]time.Duration, len(t)), make([]time.Duration, len(t))
	fewest := ^uint64(0)
	for pass := range passes {
		encoder, err := delta.NewEncoder(delta.Config{Schema: u.schema, Epoch: 1, Start: time.UnixMilli(0), Hz: hz})
		if err != nil {
			return fmt.Errorf("encode trace: %w", err)
		}
		decoder := delta.NewDecoder(u.schema)
		made := u.encodeAll(encoder, t, pass)
		lost, more := u.decodeAll(decoder, t, pass)
		fewest = min(fewest, made+more)
		if pass == 0 {
			r.Verified = len(t) - lost
			r.Lossless = lost == 0 && u.healed(encoder)
			r.KeyframeBytes = len(encoder.Keyframe(nil))
		}
	}
	for i := 1; i < len(t); i++ {
		r.bytes.delta += len(u.frames[i])
		r.encode += u.encode[i]
		r.decode += u.decode[i]
	}
	r.AllocsPerFrame = figures.Round(float64(fewest)/float64(len(t)-len(t)/2), 3)
	return nil
}

// encodeAll is one pass. It returns how often memory was allocated in its second
// half: until then the encoder is warm.
func (u *run) encodeAll(e *delta.Encoder, t Trace, pass int) (allocs uint64) {
	var buffer []byte
	begin := uint64(0)
	for i, table := range u.tables {
		if i == len(t)/2 {
			begin = mallocs()
		}
		began := time.Now()
		buffer = e.Encode(buffer[:0], t[i].Tick, table)
		keep(u.encode, i, pass, time.Since(began))
		if pass == 0 {
			u.frames[i] = append([]byte(nil), buffer...)
		}
	}
	return mallocs() - begin
}

// decodeAll is one pass. It returns of how many ticks something was lost.
func (u *run) decodeAll(d *delta.Decoder, t Trace, pass int) (lost int, allocs uint64) {
	begin := uint64(0)
	for i, frame := range u.frames {
		if i == len(t)/2 {
			begin = mallocs()
		}
		began := time.Now()
		err := d.Decode(frame)
		keep(u.decode, i, pass, time.Since(began))
		if err != nil || d.Header().Tick != t[i].Tick || !d.Table().Equal(u.tables[i]) {
			lost++
		}
	}
	return lost, mallocs() - begin
}

// healed tells whether one who missed all frames has everything from the keyframe.
func (u *run) healed(e *delta.Encoder) bool {
	d := delta.NewDecoder(u.schema)
	return d.Decode(e.Keyframe(nil)) == nil && d.Table().Equal(u.tables[len(u.tables)-1])
}

func keep(fastest []time.Duration, i, pass int, took time.Duration) {
	if pass == 0 || took < fastest[i] {
		fastest[i] = took
	}
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}
