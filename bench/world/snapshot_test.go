package world

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/holdfast-game/holdfast/proto/delta"
)

func TestSnapshot(t *testing.T) {
	table := delta.NewTable(delta.World)
	table.Append(1, 100, 0, 255, 1000, 1)
	table.Append(300, 1<<20-1, 7, 0, 0, 0)
	text := appendEntities(appendNumber(nil, snapshotTick, 9), table)
	var got strings.Builder
	var read func(string) func(n protowire.Number, v uint64, body []byte) error
	read = func(indent string) func(n protowire.Number, v uint64, body []byte) error {
		return func(n protowire.Number, v uint64, body []byte) error {
			if body == nil {
				fmt.Fprintf(&got, "%s%d: %d\n", indent, n, v)
				return nil
			}
			fmt.Fprintf(&got, "%s%d:\n", indent, n)
			return eachField(body, read(indent+"  "))
		}
	}
	if err := eachField(text, read("")); err != nil {
		t.Fatal(err)
	}
	want := "1: 9\n2:\n  1: 1\n  2: 100\n  4: 255\n  5: 1000\n  6: 1\n2:\n  1: 300\n  2: 1048575\n  3: 7\n"
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
	if size := snapshotSize(9, appendEntities(nil, table)); size != 2+len(text) {
		t.Errorf("got a size of %d, want %d and a head", size, len(text))
	}
}

func TestTrace(t *testing.T) {
	var file bytes.Buffer
	want := trace{[]byte("one"), {}, bytes.Repeat([]byte("x"), 1000)}
	if err := want.write(&file); err != nil {
		t.Fatal(err)
	}
	text := file.Bytes()
	got, err := readTrace(bytes.NewReader(text))
	if err != nil || len(got) != 3 {
		t.Fatalf("got %d ticks, %v", len(got), err)
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("tick %d: got %.20q, want %.20q", i, got[i], want[i])
		}
	}
	for name, bad := range map[string][]byte{
		"cut short":    text[:len(text)-1],
		"far too long": {0xFF, 0xFF, 0xFF, 0xFF, 0x7F},
	} {
		if _, err := readTrace(bytes.NewReader(bad)); err == nil {
			t.Errorf("%s: was read", name)
		}
	}
}
