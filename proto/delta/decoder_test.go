package delta

import (
	"errors"
	"testing"
	"time"
)

func encoderOf(t *testing.T, epoch uint64, start int64) *Encoder {
	t.Helper()
	e, err := NewEncoder(Config{Schema: World, Epoch: epoch, Start: time.UnixMilli(start), Hz: 20})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestOldOwnersAreStale(t *testing.T) {
	table := NewTable(World)
	table.Append(1, 2, 3, 4, 5, 6)
	before, after := encoderOf(t, 15, 1000), encoderOf(t, 16, 900)
	d := NewDecoder(World)
	for i, step := range []struct {
		frame []byte
		want  error
	}{
		{before.Encode(nil, 5, table), nil},
		{before.Encode(nil, 6, table), nil},
		{after.Encode(nil, 1, table), nil},
		{before.Encode(nil, 7, table), ErrStale},
		{before.Keyframe(nil), ErrStale},
		{after.Encode(nil, 2, table), nil},
	} {
		if err := d.Decode(step.frame); !errors.Is(err, step.want) {
			t.Errorf("step %d: got %v, want %v", i, err, step.want)
		}
	}
	if h := d.Header(); h.Epoch != 16 || h.Seq != 2 || h.Key || !h.Time().Equal(time.UnixMilli(1000)) {
		t.Errorf("got %+v", h)
	}
}

// Encoders of one epoch follow each other: what counts is the time of a tick.
func TestAnEncoderThatBeginsAgain(t *testing.T) {
	table := NewTable(World)
	first, second := encoderOf(t, 3, 10_000), encoderOf(t, 3, 15_000)
	d := NewDecoder(World)
	for tick := range uint32(60) {
		table.Reset()
		table.Append(7, tick, tick, 0, 0, 0)
		if err := d.Decode(first.Encode(nil, tick, table)); err != nil {
			t.Fatal(err)
		}
	}
	again := second.Encode(nil, 0, table)
	if err := d.Decode(again); err != nil {
		t.Fatalf("the later encoder's keyframe: %v", err)
	}
	if err := d.Decode(first.Keyframe(nil)); !errors.Is(err, ErrStale) {
		t.Errorf("the earlier encoder's keyframe: got %v", err)
	}
	if err := d.Decode(second.Encode(nil, 1, table)); err != nil {
		t.Error(err)
	}
	// A clock that was set back is no reason to be lost for ever.
	third := encoderOf(t, 3, 5_000)
	if err := d.Decode(third.Encode(nil, 0, table)); !errors.Is(err, ErrStale) {
		t.Errorf("a keyframe from before: got %v", err)
	}
	for range 20 {
		third.Encode(nil, 1, table)
	}
	if err := d.Decode(third.Encode(nil, 2, table)); !errors.Is(err, ErrGap) {
		t.Errorf("a frame after it: got %v", err)
	}
	if err := d.Decode(third.Keyframe(nil)); err != nil {
		t.Errorf("a keyframe when one is needed: %v", err)
	}
}

func TestWithoutAKeyframeThereIsNone(t *testing.T) {
	e, d := newTestEncoder(t), NewDecoder(World)
	if got := e.Keyframe([]byte{1}); len(got) != 1 {
		t.Errorf("a keyframe of nothing: %x", got)
	}
	table := NewTable(World)
	if got := d.Keyframe([]byte{1}); len(got) != 1 {
		t.Errorf("a keyframe of nothing: %x", got)
	}
	if err := d.Decode(e.Encode(nil, 1, table)); err != nil {
		t.Fatal(err)
	}
	if err := d.Decode([]byte{version << 5}); !errors.Is(err, ErrMalformed) {
		t.Fatalf("got %v", err)
	}
	if got := d.Keyframe([]byte{1}); len(got) != 1 {
		t.Errorf("a keyframe of one who is lost: %x", got)
	}
}

// What does not fit into a field is cut, and decoders have what was cut.
func TestValuesAreCut(t *testing.T) {
	e, d := newTestEncoder(t), NewDecoder(World)
	table, want := NewTable(World), NewTable(World)
	for tick := range uint32(3) {
		table.Reset()
		want.Reset()
		table.Append(1, 1<<20+5, 1<<32-1, 256+tick, 1024, 9)
		want.Append(1, 5, 1<<20-1, tick, 0, 1)
		if err := d.Decode(e.Encode(nil, tick, table)); err != nil || !d.Table().Equal(want) {
			t.Errorf("got %v and %v", err, d.Table().Row(0))
		}
	}
	if table.Row(0)[0] != 1<<20+5 {
		t.Error("the caller's table has changed")
	}
}
