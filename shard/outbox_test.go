package shard

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// fakeLog is a log whose end and durability a test moves by hand.
type fakeLog struct{ end, durable journal.Stamp }

func (l *fakeLog) End() journal.Stamp     { return l.end }
func (l *fakeLog) Durable() journal.Stamp { return l.durable }

func newTestOutbox(l *fakeLog) (*outbox, *[]uint64) {
	var left []uint64
	b := newOutbox(l, func(o *output) { left = append(left, o.answer.Call) }, NewMetrics(nil))
	return b, &left
}

func call(n uint64) output { return output{answer: &cluster.Answer{Call: n}} }

func TestOutboxHoldsBackUntilDurable(t *testing.T) {
	l := &fakeLog{}
	b, left := newTestOutbox(l)

	b.put(call(1)) // nothing was ever appended: a read on an idle node
	l.end = 5
	b.put(call(2))
	l.end = 7
	b.put(call(3))
	if want := []uint64{1}; !slices.Equal(*left, want) {
		t.Fatalf("left before durable: got %v, want %v", *left, want)
	}
	l.durable = 6
	b.release(6)
	if want := []uint64{1, 2}; !slices.Equal(*left, want) {
		t.Fatalf("left at durable 6: got %v, want %v", *left, want)
	}
	l.durable = 7
	b.put(call(4)) // durable already, but must not overtake 3
	if want := []uint64{1, 2}; !slices.Equal(*left, want) {
		t.Fatalf("an output overtook another: got %v, want %v", *left, want)
	}
	b.release(7)
	if want := []uint64{1, 2, 3, 4}; !slices.Equal(*left, want) {
		t.Fatalf("left at durable 7: got %v, want %v", *left, want)
	}
}

func TestOutboxDropsEverythingWhenClosed(t *testing.T) {
	l := &fakeLog{end: 1}
	b, left := newTestOutbox(l)
	b.put(call(1))
	b.close()
	l.durable = 1
	b.release(1)
	b.put(call(2))
	if len(*left) != 0 {
		t.Fatalf("left after close: got %v, want nothing", *left)
	}
}

// However appends, commits and outputs alternate, nothing leaves before its
// records are durable, and everything leaves in order.
func TestOutboxOrder(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	l := &fakeLog{}
	stamps := map[uint64]journal.Stamp{}
	var last uint64
	b := newOutbox(l, func(o *output) {
		if o.answer.Call != last+1 {
			t.Fatalf("seed %d: %d left after %d", seed, o.answer.Call, last)
		}
		last = o.answer.Call
		if stamps[last] > l.durable {
			t.Fatalf("seed %d: %d left at durable %d, produced at %d", seed, last, l.durable, stamps[last])
		}
	}, NewMetrics(nil))
	var produced uint64
	for range 20_000 {
		switch rnd.IntN(3) {
		case 0:
			l.end += journal.Stamp(rnd.IntN(4))
		case 1:
			l.durable += journal.Stamp(rnd.Uint64N(uint64(l.end-l.durable) + 1))
			b.release(l.durable)
		case 2:
			produced++
			stamps[produced] = l.end
			b.put(call(produced))
		}
	}
	l.durable = l.end
	b.release(l.durable)
	if last != produced || b.waiting() != 0 {
		t.Fatalf("seed %d: %d of %d left, %d wait", seed, last, produced, b.waiting())
	}
}
