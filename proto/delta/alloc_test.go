package delta

import "testing"

func TestNothingIsAllocated(t *testing.T) {
	e, d, c := newTestEncoder(t), NewDecoder(World), newCrossing(5)
	tick := uint32(0)
	var frame []byte
	next := func() {
		table := c.step(60)
		frame = e.Encode(frame[:0], tick, table)
		tick++
		if err := d.Decode(frame); err != nil {
			t.Fatal(err)
		}
	}
	for range 2000 {
		next()
	}
	if n := testing.AllocsPerRun(500, next); n != 0 {
		t.Errorf("%v allocations per frame", n)
	}
}
