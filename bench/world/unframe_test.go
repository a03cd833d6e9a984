package world

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// wire builds what a server sends.
func wire(first byte, payload []byte) []byte {
	out := []byte{first}
	switch n := len(payload); {
	case n < 126:
		out = append(out, byte(n))
	case n <= 0xFFFF:
		out = binary.BigEndian.AppendUint16(append(out, 126), uint16(n))
	default:
		out = binary.BigEndian.AppendUint64(append(out, 127), uint64(n))
	}
	return append(out, payload...)
}

// However the bytes of a connection are cut, the same comes out.
func TestUnframe(t *testing.T) {
	long, longer := bytes.Repeat([]byte("x"), 300), bytes.Repeat([]byte("y"), 70_000)
	stream := slices.Concat(
		wire(0x82, []byte("one")), wire(0x89, nil), wire(0x82, nil), wire(0x82, long), wire(0x81, longer),
		// In pieces, with a ping between them and an empty one.
		wire(0x02, []byte("a")), wire(0x89, []byte("ping")), wire(0x00, nil), wire(0x80, []byte("b")),
		wire(0x02, nil), wire(0x80, []byte("c")), wire(0x8A, nil), wire(0x88, []byte{3, 0xE8}),
	)
	want := []string{"2 one", "9 ", "2 ", fmt.Sprintf("2 %s", long), fmt.Sprintf("1 %s", longer), "9 ping", "2 ab", "2 c", "10 ", "8 \x03\xe8"}
	random := rand.New(rand.NewPCG(3, 7))
	for _, most := range []int{1, 2, 7, 500, 100_000} {
		var u unframer
		var got []string
		for rest := stream; len(rest) > 0; {
			n := min(1+random.IntN(most), len(rest))
			err := u.feed(rest[:n], func(opcode byte, payload []byte) error {
				got = append(got, fmt.Sprintf("%d %s", opcode, payload))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if !slices.Equal(got, want) {
			t.Errorf("in parts of up to %d bytes: got %.80q, want %.80q", most, got, want)
		}
	}
}

func TestUnframeRefusesWhatServersMustNotSend(t *testing.T) {
	for name, text := range map[string][]byte{
		"masked":          {0x82, 0x81, 0, 0, 0, 0, 'x'},
		"too long":        {0x82, 127, 0, 0, 0, 0, 0x7F, 0, 0, 0},
		"far too long":    {0x82, 127, 0xFF, 0, 0, 0, 0, 0, 0, 0},
		"pieces of pings": {0x09, 1, 'x'},
		"long ping":       {0x89, 126, 0, 200},
	} {
		var u unframer
		if err := u.feed(text, func(byte, []byte) error { return nil }); !errors.Is(err, errFraming) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	// Pieces count together.
	var u unframer
	piece, err := wire(0x02, make([]byte, maxMessage/2+1)), error(nil)
	for range 2 {
		err = u.feed(piece, func(byte, []byte) error { return nil })
		piece[0] = 0x00
	}
	if !errors.Is(err, errFraming) {
		t.Errorf("a message of %d bytes in pieces: got %v", maxMessage+2, err)
	}
}

func TestUnframeHandsOnErrors(t *testing.T) {
	var u unframer
	stop := errors.New("enough")
	if err := u.feed(wire(0x82, []byte("x")), func(byte, []byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}
