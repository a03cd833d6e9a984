package delta

import (
	"math/rand/v2"
	"testing"
)

// Numbers of all sizes come back, whatever follows them.
func TestNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	values := []uint32{0, 1, 2, 3, 30, 31, 62, 63, 64, 1<<24 - 1, 1 << 24, 1<<31 - 1, 1 << 31, 1<<32 - 1}
	for range 2000 {
		values = append(values, r.Uint32()>>r.IntN(32))
	}
	c := coder{models: make([]uint32, 3*numberModels)}
	code := func() (all []uint32) {
		c.forget()
		for i, v := range values {
			switch i % 3 {
			case 0:
				v = c.unsigned(0, v)
			case 1:
				v = uint32(c.signed(numberModels, int32(v)))
			case 2:
				v = uint32(c.number(2*numberModels, 0, int32(v)))
			}
			all = append(all, v)
		}
		return all
	}
	c.startEncoding(nil)
	code()
	bytes := c.finish()
	c.startDecoding(bytes)
	for i, got := range code() {
		if got != values[i] {
			t.Fatalf("value %d: got %d, want %d", i, got, values[i])
		}
	}
	if !c.exhausted() {
		t.Error("not all bytes were needed")
	}
}

// What is as expected costs next to nothing, and nothing costs no byte at all.
func TestExpectedBitsAreCheap(t *testing.T) {
	c := coder{models: make([]uint32, 1)}
	c.forget()
	c.startEncoding(nil)
	if n := len(c.finish()); n != 0 {
		t.Errorf("no bits take %d bytes", n)
	}
	c.startEncoding(nil)
	for range 10_000 {
		c.bit(0, 1)
	}
	if n := len(c.finish()); n > 6 {
		t.Errorf("10,000 expected bits take %d bytes", n)
	}
}

// Bytes behind a frame's end are noticed.
func TestEnds(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	c := coder{models: make([]uint32, 8)}
	for range 500 {
		n := 1 + r.IntN(200)
		c.forget()
		c.startEncoding(nil)
		for i := range n {
			c.bit(i%8, r.Uint32()&1)
		}
		bytes := c.finish()
		decode := func(b []byte) bool {
			c.forget()
			c.startDecoding(b)
			for i := range n {
				c.bit(i%8, 0)
			}
			return c.exhausted()
		}
		if !decode(bytes) {
			t.Fatalf("%d bits in %d bytes are refused", n, len(bytes))
		}
		if decode(append(bytes, 1, 2, 3, 4, 5)) {
			t.Fatalf("%d bits in %d bytes and 5 more are taken", n, len(bytes))
		}
	}
}
