package tape

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files")

var testHeader = Header{
	Started: time.Date(2026, 11, 21, 18, 0, 0, 5, time.UTC), Node: "n1", Build: "v0.4.0", Hashed: true, KeyID: "0badcafe",
	Recording: "00112233445566aa", Part: 1, Profile: "by hand",
}

func encode(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// oneOfEach is a tape with a record of each kind.
func oneOfEach(t testing.TB) []Record {
	buy := encode(t, &clientv1.ClientFrame{Seq: 2, Body: &clientv1.ClientFrame_Buy{Buy: &clientv1.Buy{Request: 1, Sku: "sword", Quantity: 1}}})
	bought := encode(t, &clientv1.ServerFrame{Seq: 2, Body: &clientv1.ServerFrame_Bought{Bought: &clientv1.Bought{Balance: 750}}})
	world := encode(t, &clientv1.ServerFrame{Body: &clientv1.ServerFrame_World{World: &clientv1.WorldFrame{Stream: 3, Frame: []byte{0x81, 0, 0, 0, 9}}}})
	return []Record{
		{At: 0, Kind: Opened, Conn: 7, Player: "2f1ad03c9be5"},
		{At: 1500 * time.Microsecond, Kind: Received, Conn: 7, Frame: buy, Size: 112},
		{At: 2500 * time.Microsecond, Kind: Sent, Conn: 7, Frame: bought, Size: len(bought)},
		{At: 50 * time.Millisecond, Kind: Shown, Stream: 3, Viewers: 1000, Frame: world, Size: len(world)},
		{At: 50 * time.Millisecond, Kind: Dropped, Lost: 12},
		{At: time.Hour, Kind: Closed, Conn: 7},
	}
}

// write makes a tape; every so many records a block ends.
func write(t testing.TB, records []Record, every int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, testHeader)
	if err != nil {
		t.Fatal(err)
	}
	for i := range records {
		if err := w.Append(&records[i]); err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
		if every > 0 && i%every == every-1 {
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func open(t testing.TB, file []byte) *Reader {
	t.Helper()
	r, err := NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// readAll reads to the end, and returns what ended it.
func readAll(r *Reader) (all []Record, err error) {
	var rec Record
	for {
		if err := r.Next(&rec); err != nil {
			return all, err
		}
		rec.Frame = bytes.Clone(rec.Frame)
		all = append(all, rec)
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	want := oneOfEach(t)
	for every := range 4 {
		r := open(t, write(t, want, every))
		got, err := readAll(r)
		if err != io.EOF {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("a block every %d records: got %v, want %v", every, got, want)
		}
		info := r.Info()
		if info.Header != testHeader || info.Records != 6 || info.Dropped != 12 || info.Duration != time.Hour || !info.Ended || info.Damage != nil {
			t.Errorf("info: %+v", info)
		}
	}
}

func TestEmptyTape(t *testing.T) {
	r := open(t, write(t, nil, 0))
	if got, err := readAll(r); err != io.EOF || len(got) != 0 || !r.Info().Ended {
		t.Errorf("got %v, %v, %+v", got, err, r.Info())
	}
}

// A tape written by version 1 stays readable for ever.
func TestGolden(t *testing.T) {
	file := filepath.Join("testdata", "tape-v1.hex")
	if *rewrite {
		text := hex.EncodeToString(write(t, oneOfEach(t), 4))
		var lines strings.Builder
		for i := 0; i < len(text); i += 64 {
			lines.WriteString(text[i:min(i+64, len(text))] + "\n")
		}
		if err := os.WriteFile(file, []byte(lines.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r := open(t, golden(t, file))
	got, err := readAll(r)
	if err != io.EOF || !reflect.DeepEqual(got, oneOfEach(t)) || r.Info().Header != testHeader || !r.Info().Ended {
		t.Errorf("got %v, %v, %+v", got, err, r.Info())
	}
}

func golden(t testing.TB, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tape, err := hex.DecodeString(strings.ReplaceAll(string(text), "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	return tape
}

func TestWriterRefuses(t *testing.T) {
	w, err := NewWriter(io.Discard, testHeader)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		rec  Record
		want error
	}{
		{"what is fine", Record{Kind: Closed, At: time.Second}, nil},
		{"what is older", Record{Kind: Closed, At: time.Second - 1}, ErrBackwards},
		{"what is of no kind", Record{At: time.Second}, ErrBadKind},
		{"what is of a kind to come", Record{Kind: Dropped + 1, At: time.Second}, ErrBadKind},
		{"what is too large", Record{Kind: Sent, At: time.Second, Frame: make([]byte, MaxFrame+1)}, ErrTooLarge},
		{"what has a negative size", Record{Kind: Sent, At: time.Second, Size: -1}, ErrTooLarge},
		{"what is as large as may be", Record{Kind: Sent, At: time.Second, Frame: make([]byte, MaxFrame)}, nil},
	} {
		if err := w.Append(&tc.rec); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Append(&Record{Kind: Closed, At: time.Hour}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after the end: got %v, want %v", err, os.ErrClosed)
	}
}

// The largest record fits into a block that is nearly full.
func TestLargestBlock(t *testing.T) {
	large := make([]byte, MaxFrame)
	noise := rand.NewChaCha8([32]byte{1})
	noise.Read(large)
	almost := make([]byte, fullBlock-40)
	noise.Read(almost)
	want := []Record{{Kind: Sent, Conn: 1, Frame: almost}, {Kind: Sent, Conn: 1, Frame: large}}
	got, err := readAll(open(t, write(t, want, 0)))
	if err != io.EOF || !reflect.DeepEqual(got, want) {
		t.Errorf("got %d records and %v", len(got), err)
	}
}

// many is a tape of so many records, one a millisecond.
func many(n int) []Record {
	out := make([]Record, n)
	for i := range out {
		out[i] = Record{At: time.Duration(i) * time.Millisecond, Kind: Received, Conn: uint64(i % 10), Frame: []byte{8, byte(i % 128)}, Size: 2}
	}
	return out
}

func TestSeekTime(t *testing.T) {
	all := many(1000)
	whole := write(t, all, 64)
	for name, file := range map[string][]byte{"with its index": whole, "without": whole[:len(whole)-footerSize]} {
		r := open(t, file)
		for _, from := range []time.Duration{-1, 0, 1, 63 * time.Millisecond, 64 * time.Millisecond, 500 * time.Millisecond, 999 * time.Millisecond, time.Hour, 3} {
			r.SeekTime(from)
			want := slices.IndexFunc(all, func(r Record) bool { return r.At >= from })
			got, err := readAll(r)
			if want < 0 {
				want = len(all)
			}
			if len(got) != len(all)-want || len(got) > 0 && got[0].At != all[want].At {
				t.Errorf("%s: from %v: got %d records, want %d (%v)", name, from, len(got), len(all)-want, err)
			}
		}
	}
}

func TestCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.tape")
	w, err := Create(path, testHeader)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(path, testHeader); !errors.Is(err, os.ErrExist) {
		t.Errorf("a second time: got %v, want %v", err, os.ErrExist)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}
