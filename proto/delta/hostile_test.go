package delta

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"
)

// stream returns a keyframe and the frames after it.
func stream(t testing.TB, n int) [][]byte {
	e, c := newTestEncoder(t), newCrossing(11)
	for range 50 {
		c.step(10)
	}
	frames := make([][]byte, n)
	for i := range frames {
		frames[i] = e.Encode(nil, uint32(i), c.step(10))
	}
	return append(frames, e.Keyframe(nil))
}

// known tells whether an error is one that Decode promises.
func known(err error) bool {
	for _, e := range codes {
		if errors.Is(err, e) {
			return true
		}
	}
	return err == nil
}

// look is what must hold of a decoder whatever it was given.
func look(t *testing.T, d *Decoder, err error, before *Table) {
	t.Helper()
	table := d.Table()
	switch {
	case !known(err):
		t.Fatalf("got %v", err)
	case err != nil && !table.Equal(before):
		t.Fatalf("the table has changed with %v", err)
	case table.Len() > MaxEntities || !table.schema.fits(table.values):
		t.Fatalf("a table of %d that an encoder cannot have had", table.Len())
	}
	for i := 1; i < table.Len(); i++ {
		if table.ID(i) <= table.ID(i-1) {
			t.Fatalf("entity %d after %d", table.ID(i), table.ID(i-1))
		}
	}
}

// FuzzDecode gives a decoder that is in the middle of a stream some bytes, with
// the sums of keyframes made right so that what is behind them is reached.
func FuzzDecode(f *testing.F) {
	frames := stream(f, 40)
	for _, frame := range frames {
		f.Add(frame, true)
	}
	f.Add([]byte{version << 5, 31, 0, 0, 0xff, 0xff, 0xff, 0xff}, false)
	f.Fuzz(func(t *testing.T, frame []byte, mend bool) {
		d := NewDecoder(World)
		for _, good := range frames[:30] {
			if err := d.Decode(good); err != nil {
				t.Fatal(err)
			}
		}
		before := NewTable(World)
		before.CopyFrom(d.Table())
		if mend && len(frame) > 4 {
			frame = mended(frame)
		}
		began := time.Now()
		err := d.Decode(frame)
		if took := time.Since(began); took > time.Second {
			t.Fatalf("%d bytes took %s", len(frame), took)
		}
		look(t, d, err, before)
		if err == nil {
			// Whatever it took is a state that others can be told.
			other := NewDecoder(World)
			if err := other.Decode(d.Keyframe(nil)); err != nil {
				t.Fatalf("keyframe of what was taken: %v", err)
			}
		}
		if err := d.Decode(frames[len(frames)-1]); err != nil && !errors.Is(err, ErrStale) {
			t.Fatalf("a good keyframe: %v", err)
		}
	})
}

// mended gives a frame the sum that its contents ask for: what a hostile encoder
// would send.
func mended(frame []byte) []byte {
	frame = bytes.Clone(frame)
	if frame[0]&keyFlag == 0 {
		return frame
	}
	s := newState(World)
	h, body, err := s.readHeader(frame)
	if err != nil || len(body) < 4 {
		return frame
	}
	k := s.newKey()
	k.coder.startDecoding(body[:len(body)-4])
	if k.whole(s.next) {
		end := len(frame) - 4
		sum := checksum(frame[:end]) ^ s.next.hash(h.Tick)
		frame = append(frame[:end], byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum))
	}
	return frame
}

// Frames with bytes that are damaged, cut off, doubled or of elsewhere, in
// streams: nothing but errors that are promised, and any keyframe heals.
func TestDamagedStreams(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	r := rand.New(rand.NewPCG(seed, 3))
	defer func() {
		if t.Failed() {
			t.Logf("repeat with: go test ./proto/delta -run DamagedStreams -delta.seed=%d", seed)
		}
	}()
	frames := stream(t, 60)
	key := frames[len(frames)-1]
	for range 80 {
		d := NewDecoder(World)
		before := NewTable(World)
		for _, frame := range frames[:60] {
			damaged := bytes.Clone(frame)
			switch r.IntN(12) {
			case 0:
				damaged[r.IntN(len(damaged))] ^= 1 << r.IntN(8)
			case 1:
				damaged = damaged[:r.IntN(len(damaged))]
			case 2:
				damaged = append(damaged, byte(r.Uint32()))
			case 3:
				damaged = bytes.Clone(frames[r.IntN(len(frames))])
			}
			before.CopyFrom(d.Table())
			if len(damaged) > 4 && r.IntN(2) == 0 {
				damaged = mended(damaged)
			}
			look(t, d, d.Decode(damaged), before)
		}
		before.CopyFrom(d.Table())
		if err := d.Decode(key); err != nil && !errors.Is(err, ErrStale) {
			t.Fatalf("a good keyframe: %v", err)
		}
	}
}

// The longest that a hostile frame can make a decoder work is for as many
// entities as there may be, with lines as long as they may be.
func TestLargestTables(t *testing.T) {
	s := mustSchema(schemas[4]...)
	e, err := NewEncoder(Config{Schema: s, Epoch: 1, Start: time.UnixMilli(1), Hz: 20})
	if err != nil {
		t.Fatal(err)
	}
	d, table := NewDecoder(s), NewTable(s)
	r := rand.New(rand.NewPCG(1, 1))
	for tick := range uint32(6) {
		table.Reset()
		for id := range uint32(MaxEntities) {
			row := make([]uint32, len(s.fields))
			for f := range row {
				row[f] = r.Uint32() & s.masks[f]
			}
			table.Append(id*7+tick%2, row...)
		}
		if err := d.Decode(e.Encode(nil, tick, table)); err != nil || !d.Table().Equal(table) {
			t.Fatalf("tick %d: %v", tick, err)
		}
		if !bytes.Equal(d.Keyframe(nil), e.Keyframe(nil)) {
			t.Fatalf("tick %d: another keyframe", tick)
		}
	}
}
