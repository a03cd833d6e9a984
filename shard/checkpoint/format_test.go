package checkpoint

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"math"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

var rewrite = flag.Bool("rewrite", false, "write the files in testdata anew")

// goldenActors are in testdata/part-v1.hex, which must stay readable for ever.
var goldenActors = []Actor{
	{Kind: "player", ID: "p-1", Seq: 1, State: []byte("a sword")},
	{Kind: "player", ID: "зоя", Seq: math.MaxUint64, State: []byte{}},
	{Kind: "stock", ID: "sword/0", Seq: 300, State: bytes.Repeat([]byte("x"), 300)},
}

// raw returns a part before compression.
func raw(t testing.TB, actors []Actor) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := encode(&out, yieldAll(actors)); err != nil {
		t.Fatal(err)
	}
	data, err := plain(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func plain(compressed []byte) ([]byte, error) {
	z := decoders.Get().(*zstd.Decoder)
	defer decoders.Put(z)
	return z.DecodeAll(compressed, nil)
}

func compress(data []byte) []byte {
	z := encoders.Get().(*zstd.Encoder)
	defer encoders.Put(z)
	return z.EncodeAll(data, nil)
}

func decodeAll(data []byte) (got []Actor, err error) {
	err = decode(bytes.NewReader(data), func(a Actor) error { got = append(got, a); return nil })
	return got, err
}

func TestGoldenPart(t *testing.T) {
	const path = "testdata/part-v1.hex"
	if *rewrite {
		if err := os.WriteFile(path, []byte(hex.Dump(raw(t, goldenActors))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var data []byte
	for line := range strings.Lines(string(text)) {
		b, err := hex.DecodeString(strings.ReplaceAll(line[10:58], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, b...)
	}
	got, err := decodeAll(compress(data))
	if err != nil || !reflect.DeepEqual(got, goldenActors) {
		t.Errorf("got %+v, %v; want %+v", got, err, goldenActors)
	}
	if !bytes.Equal(raw(t, goldenActors), data) {
		t.Error("is encoded in another way now")
	}
}

func TestDamagedPartIsNoticed(t *testing.T) {
	good := raw(t, goldenActors)
	for n := range good {
		if _, err := decodeAll(compress(good[:n])); !errors.Is(err, ErrCorrupt) {
			t.Errorf("cut to %d bytes: got %v, want %v", n, err, ErrCorrupt)
		}
	}
	header := []byte("HFP\x01")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for name, data := range map[string][]byte{
		"another magic":       append([]byte("HFQ"), good[3:]...),
		"a newer version":     append([]byte("HFP\x02"), good[4:]...),
		"an unknown tag":      append(header, 9),
		"a wrong count":       append(header, tagEnd, 1),
		"more behind the end": append(bytes.Clone(good), 0),
		"a kind of 2^62":      append(header, tagActor, 255, 255, 255, 255, 255, 255, 255, 255, 63),
		"a state of 1 GiB":    append(header, tagActor, 0, 0, 0, 128, 128, 128, 128, 4),
		"a state cut off":     append(header, tagActor, 0, 0, 0, 128, 128, 128, 31, 1, 2, 3),
	} {
		if _, err := decodeAll(compress(data)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: got %v, want %v", name, err, ErrCorrupt)
		}
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > maxState/2 {
		t.Errorf("%d bytes allocated on the word of lengths", grown)
	}
	compressed := compress(good)
	for i := range compressed {
		damaged := bytes.Clone(compressed)
		damaged[i] ^= 0x10
		if got, err := decodeAll(damaged); err == nil && !reflect.DeepEqual(got, goldenActors) {
			t.Errorf("byte %d damaged: got %+v", i, got)
		}
	}
}

// The hash tells actors apart whose fields only run together alike.
func TestHash(t *testing.T) {
	seen := make(map[uint64]Actor)
	for _, a := range []Actor{
		{}, {Kind: "a"}, {ID: "a"}, {State: []byte("a")}, {Seq: 'a'},
		{Kind: "ab", ID: "c"}, {Kind: "a", ID: "bc"}, {Kind: "abc"},
		{ID: "x", State: []byte{1, 0, 0, 0, 0, 0, 0, 0}}, {ID: "x", Seq: 1},
	} {
		if other, ok := seen[a.Hash()]; ok {
			t.Errorf("%+v and %+v have the same hash", a, other)
		}
		seen[a.Hash()] = a
	}
	// Kept in etcd with each checkpoint, so it can never change.
	if got, want := goldenActors[0].Hash(), uint64(0x927fec8fd1960874); got != want {
		t.Errorf("got %#x, want %#x", got, want)
	}
}

// FuzzDecode: no part, however compressed, crashes the decoder, and what it
// accepts it would encode to the same.
func FuzzDecode(f *testing.F) {
	f.Add(raw(f, goldenActors), true)
	f.Add(compress(raw(f, goldenActors)), false)
	f.Add([]byte("HFP\x01\x01\x00\x00\x00\x80\x80\x80\x80\x04"), true)
	f.Fuzz(func(t *testing.T, data []byte, pack bool) {
		if pack {
			data = compress(data)
		}
		got, err := decodeAll(data)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("got %v, want %v", err, ErrCorrupt)
			}
			return
		}
		again, err := decodeAll(compress(raw(t, got)))
		if err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("encoded again: %v, got %+v, want %+v", err, again, got)
		}
	})
}
