package delta

import (
	"errors"
	"testing"
	"time"
)

func newTestEncoder(t testing.TB) *Encoder {
	t.Helper()
	e, err := NewEncoder(Config{Schema: World, Epoch: 3, Start: time.UnixMilli(1_700_000_000_123), Hz: 20})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestKeyframeLetsFollow(t *testing.T) {
	e, d := newTestEncoder(t), NewDecoder(World)
	table := NewTable(World)
	var late *Decoder
	for tick := range uint32(50) {
		table.Reset()
		for id := 1 + tick/10; id < 20; id++ {
			table.Append(id, 1000*id+tick*id, 5000-tick, id+tick/7, 1000-tick/3, tick/9%8)
		}
		frame := e.Encode(nil, tick, table)
		if err := d.Decode(frame); err != nil {
			t.Fatalf("tick %d: %v", tick, err)
		}
		if !d.Table().Equal(table) {
			t.Fatalf("tick %d: another table", tick)
		}
		if tick == 25 {
			late = NewDecoder(World)
			if err := late.Decode(frame); !errors.Is(err, ErrNoKey) {
				t.Fatalf("got %v, want ErrNoKey", err)
			}
			if err := late.Decode(e.Keyframe(nil)); err != nil {
				t.Fatal(err)
			}
		} else if tick > 25 {
			if err := late.Decode(frame); err != nil {
				t.Fatalf("tick %d, late: %v", tick, err)
			}
			if string(late.Keyframe(nil)) != string(e.Keyframe(nil)) {
				t.Fatalf("tick %d: another keyframe", tick)
			}
		}
	}
}
