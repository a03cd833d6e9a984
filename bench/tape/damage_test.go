package tape

import (
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
)

// blockEnds are where the blocks of a whole tape end, and the records until
// there.
func blockEnds(t testing.TB, file []byte) (ends []int64, records []int) {
	t.Helper()
	r := open(t, file)
	n := 0
	for i, e := range r.blocks {
		end := int64(len(file)) - footerSize - checkSize - indexHead - int64(len(r.blocks))*indexEntry
		if i+1 < len(r.blocks) {
			end = r.blocks[i+1].offset
		}
		n += int(e.records)
		ends, records = append(ends, end), append(records, n)
	}
	return ends, records
}

// However much of a tape is left: what stands in whole blocks is read, and what
// is missing is said.
func TestTruncated(t *testing.T) {
	all := many(40)
	file := write(t, all, 10)
	ends, records := blockEnds(t, file)
	_, begin, err := readPreamble(readerOf(file))
	if err != nil {
		t.Fatal(err)
	}
	for size := range int64(len(file)) {
		r, err := NewReader(readerOf(file[:size]), size)
		if size < begin {
			if !errors.Is(err, ErrNotTape) && !errors.As(err, new(*DamageError)) {
				t.Fatalf("%d bytes: %v", size, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		want, clean := 0, size == begin
		for i, end := range ends {
			if end <= size {
				want, clean = records[i], end == size
			}
		}
		got, err := readAll(r)
		if len(got) != want || want > 0 && !reflect.DeepEqual(got, all[:want]) {
			t.Fatalf("%d bytes: %d records, want %d", size, len(got), want)
		}
		if info := r.Info(); info.Ended || info.Records != uint64(want) {
			t.Fatalf("%d bytes: %+v", size, info)
		}
		if clean != (err == io.EOF) || !clean && !errors.As(err, new(*DamageError)) {
			t.Fatalf("%d bytes: ended by %v", size, err)
		}
		r.Close()
	}
}

// Whatever bit is another: nothing false is read, and what stands before it is.
func TestBitFlipped(t *testing.T) {
	all := many(40)
	file := write(t, all, 10)
	ends, records := blockEnds(t, file)
	_, begin, err := readPreamble(readerOf(file))
	if err != nil {
		t.Fatal(err)
	}
	for at := range int64(len(file)) {
		for bit := range 8 {
			bad := append([]byte(nil), file...)
			bad[at] ^= 1 << bit
			r, err := NewReader(readerOf(bad), int64(len(bad)))
			if at < begin {
				if err == nil {
					t.Fatalf("byte %d bit %d of the preamble: no error", at, bit)
				}
				continue
			}
			if err != nil {
				t.Fatalf("byte %d bit %d: %v", at, bit, err)
			}
			want := len(all)
			for i := len(ends) - 1; i >= 0 && at < ends[i]; i-- {
				want = records[i] - 10
			}
			got, err := readAll(r)
			if len(got) != want || want > 0 && !reflect.DeepEqual(got, all[:want]) {
				t.Fatalf("byte %d bit %d: %d records, want %d (%v)", at, bit, len(got), want, err)
			}
			if !errors.As(err, new(*DamageError)) {
				t.Fatalf("byte %d bit %d: ended by %v", at, bit, err)
			}
			r.Close()
		}
	}
}

// With the index, what stands behind a damage can be looked for.
func TestSeekPastDamage(t *testing.T) {
	all := many(40)
	file := write(t, all, 10)
	ends, _ := blockEnds(t, file)
	file[ends[0]+blockHead+3] ^= 1
	r := open(t, file)
	got, err := readAll(r)
	var damage *DamageError
	if !errors.As(err, &damage) || damage.Offset != ends[0] || len(got) != 10 {
		t.Fatalf("got %d records, %v", len(got), err)
	}
	r.SeekTime(all[20].At)
	if got, err := readAll(r); err != io.EOF || !reflect.DeepEqual(got, all[20:]) {
		t.Errorf("behind it: %d records, %v", len(got), err)
	}
}

func TestNewerTape(t *testing.T) {
	file := write(t, many(3), 0)
	binary.BigEndian.PutUint16(file[8:], Version+1)
	_, err := NewReader(readerOf(file), int64(len(file)))
	var newer *VersionError
	if !errors.As(err, &newer) || newer.Version != Version+1 || !strings.Contains(err.Error(), "take a newer program") {
		t.Errorf("got %v", err)
	}
}

func TestNoTape(t *testing.T) {
	for _, text := range []string{"", "PNG", "\x89tape\n\x1a and more", "#!/bin/sh\nexit 0\n"} {
		if _, err := NewReader(strings.NewReader(text), int64(len(text))); !errors.Is(err, ErrNotTape) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func readerOf(b []byte) io.ReaderAt { return strings.NewReader(string(b)) }

// seal gives a tape checks that fit, as somebody who means harm would.
func seal(file []byte, offsets []int64) {
	for _, at := range offsets {
		head := file[at:]
		if len(head) < blockHead {
			continue
		}
		size := int(binary.BigEndian.Uint32(head[8:]))
		if size < 0 || size > len(head)-blockHead {
			continue
		}
		binary.BigEndian.PutUint64(head[40:], checkBlock(head, head[blockHead:blockHead+size]))
	}
	end := len(file) - footerSize - checkSize
	if end < 0 {
		return
	}
	if offset := binary.BigEndian.Uint64(file[len(file)-footerSize:]); offset < uint64(end) {
		binary.BigEndian.PutUint64(file[end:], xxhash.Sum64(file[offset:end]))
	}
}

// FuzzReader reads files that were changed in one place, with checks that fit:
// they are read to an end, with an error or without, and times never go back.
func FuzzReader(f *testing.F) {
	file := write(f, append(oneOfEach(f), Record{At: 2 * 3600e9, Kind: Closed, Conn: 9}), 3)
	r := open(f, file)
	var offsets []int64
	for _, e := range r.blocks {
		offsets = append(offsets, e.offset)
	}
	f.Add(0, []byte("x"), len(file))
	for _, at := range offsets {
		f.Add(int(at)+4, []byte{0xff, 0xff}, len(file))
		f.Add(int(at)+blockHead, []byte{0, 0, 0, 0}, len(file))
	}
	f.Add(len(file)-20, []byte{1}, len(file)-3)
	f.Fuzz(func(t *testing.T, at int, change []byte, size int) {
		bad := append([]byte(nil), file...)
		if at >= 0 && at < len(bad) {
			copy(bad[at:], change)
		}
		seal(bad, offsets)
		if size >= 0 && size < len(bad) {
			bad = bad[:size]
		}
		r, err := NewReader(readerOf(bad), int64(len(bad)))
		if err != nil {
			return
		}
		defer r.Close()
		all, err := readAll(r)
		if err != io.EOF && !errors.As(err, new(*DamageError)) {
			t.Errorf("ended by %v", err)
		}
		last := Record{}
		for _, rec := range all {
			if rec.At < last.At {
				t.Errorf("%v follows upon %v", rec, last)
			}
			last = rec
		}
		r.SeekTime(last.At)
		if got, _ := readAll(r); len(all) > 0 && err == io.EOF && len(got) == 0 {
			t.Errorf("the last record is not found at %v", last.At)
		}
	})
}

// FuzzRecords decodes blocks of whatever bytes.
func FuzzRecords(f *testing.F) {
	var raw []byte
	for _, r := range oneOfEach(f) {
		raw = appendRecord(raw, &r, 5)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var rec Record
		for len(raw) > 0 {
			rest, dt, err := decodeRecord(raw, &rec)
			if err != nil {
				return
			}
			if len(rest) >= len(raw) || dt < 0 || len(rec.Frame) > MaxFrame {
				t.Fatalf("%d bytes left of %d, dt %v, %+v", len(rest), len(raw), dt, rec)
			}
			again, _, err := decodeRecord(appendRecord(nil, &rec, dt), new(Record))
			if err != nil || len(again) != 0 {
				t.Fatalf("%+v cannot be read again: %v", rec, err)
			}
			raw = rest
		}
	})
}
