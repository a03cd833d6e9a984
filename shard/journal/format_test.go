package journal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the files in testdata anew")

// golden are entries that must stay readable for ever. Never change one that
// has been released: add to them.
var golden = []struct {
	file  string
	entry Entry
}{
	{"entry-v1.hex", Entry{Incarnation: "node-1-694d8f1e2c3b4a05", Number: 300, Records: []Record{
		{Shard: 0, Epoch: 1, Kind: "player", ID: "p-1", Seq: 1, Event: []byte("bought a sword")},
		{Shard: 63, Epoch: 1 << 40, Kind: "stock", ID: "sword/0", Seq: 1 << 33, Event: []byte{0, 255}},
		{Shard: math.MaxUint32, Epoch: 2, Kind: "player", ID: "зоя", Seq: math.MaxUint64, Event: []byte{}},
	}}},
	{"seal-v1.hex", Entry{Incarnation: "node-2-694d8f1e2c3b4a99", Seal: true}},
}

func encodeEntry(e *Entry) []byte {
	if e.Seal {
		return encodeSeal(e.Incarnation)
	}
	buf := newHeader(typeRecords, e.Incarnation)
	for i := range e.Records {
		buf = AppendRecord(buf, &e.Records[i])
	}
	return finishEntry(buf, headerSize(e.Incarnation), e.Number, len(e.Records))
}

func TestGoldenEntries(t *testing.T) {
	for _, g := range golden {
		path := filepath.Join("testdata", g.file)
		if *rewrite {
			if err := os.WriteFile(path, []byte(hex.Dump(encodeEntry(&g.entry))), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		data := readDump(t, path)
		got, err := Decode(data)
		if err != nil {
			t.Errorf("%s: %v", g.file, err)
			continue
		}
		if !reflect.DeepEqual(*got, g.entry) {
			t.Errorf("%s: got %+v, want %+v", g.file, *got, g.entry)
		}
		if !bytes.Equal(encodeEntry(&g.entry), data) {
			t.Errorf("%s: is encoded in another way now", g.file)
		}
	}
}

// readDump reads what hex.Dump wrote.
func readDump(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for line := range strings.Lines(string(text)) {
		digits := strings.ReplaceAll(line[10:58], " ", "")
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		out = append(out, b...)
	}
	return out
}

// Every single bit that flips, and every byte that is cut off, is noticed.
func TestDamageIsNoticed(t *testing.T) {
	for _, g := range golden {
		data := encodeEntry(&g.entry)
		for i := range len(data) * 8 {
			damaged := bytes.Clone(data)
			damaged[i/8] ^= 1 << (i % 8)
			if _, err := Decode(damaged); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s: bit %d flipped: got %v, want %v", g.file, i, err, ErrCorrupt)
			}
		}
		for n := range data {
			if _, err := Decode(data[:n]); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s: cut to %d bytes: got %v, want %v", g.file, n, err, ErrCorrupt)
			}
		}
	}
}

// withChecksum makes an entry of a body that somebody else thought out.
func withChecksum(body []byte) []byte {
	header := headerSize("")
	out := append([]byte(nil), body...)
	if len(out) < header {
		out = append(out, make([]byte, header-len(out))...)
	}
	copy(out, entryMagic)
	out[3], out[4], out[5] = entryVersion, typeRecords, 0
	number, count := uint64(1), int(out[header-4])|int(out[header-3])<<8|int(out[header-2])<<16|int(out[header-1])<<24
	return finishEntry(out, header, number, count)
}

// Lengths that lie cost neither memory nor a crash.
func TestHostileLengths(t *testing.T) {
	for name, body := range map[string][]byte{
		"a record count of 4 billion": append(newHeader(typeRecords, "")[:14], 255, 255, 255, 255),
		"a kind of 2^63 bytes":        append(append(newHeader(typeRecords, "")[:14], 1, 0, 0, 0), 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 127),
		"a number without end":        append(append(newHeader(typeRecords, "")[:14], 1, 0, 0, 0), bytes.Repeat([]byte{255}, 40)...),
		"a shard of 33 bits":          append(append(newHeader(typeRecords, "")[:14], 1, 0, 0, 0), 255, 255, 255, 255, 31, 0, 0, 0, 0, 0),
		"more behind the last record": append(append(newHeader(typeRecords, "")[:14], 1, 0, 0, 0), 0, 0, 0, 0, 0, 0, 0),
	} {
		var before, after runtime.MemStats
		data := withChecksum(body)
		runtime.ReadMemStats(&before)
		_, err := Decode(data)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: got %v, want %v", name, err, ErrCorrupt)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<10 {
			t.Errorf("%s: %d bytes allocated for an entry of %d", name, grown, len(data))
		}
	}
}

// FuzzDecode: no input crashes the decoder or makes it allocate out of
// proportion, and what it accepts it would encode to the same.
func FuzzDecode(f *testing.F) {
	for _, g := range golden {
		data := encodeEntry(&g.entry)
		f.Add(data, false)
		f.Add(data[:len(data)-4], true)
	}
	f.Fuzz(func(t *testing.T, data []byte, sum bool) {
		if sum {
			data = withChecksum(data) // or nothing would get past the checksum
		}
		e, err := Decode(data)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("got %v, want %v", err, ErrCorrupt)
			}
			return
		}
		if len(e.Records)*minRecord > len(data) {
			t.Errorf("%d records in %d bytes", len(e.Records), len(data))
		}
		again, err := Decode(encodeEntry(e))
		if err != nil || !reflect.DeepEqual(again, e) {
			t.Errorf("encoded again: %v, got %+v, want %+v", err, again, e)
		}
	})
}
