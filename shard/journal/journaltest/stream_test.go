package journaltest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// settle lets everything happen and returns the answers.
func settle(s *Stream) (got []Reply) {
	for !s.Idle() {
		if r, ok := s.Step(); ok {
			got = append(got, r)
		}
	}
	return got
}

func newStream(seed uint64, f Faults) *Stream { return New(rand.New(rand.NewPCG(seed, 0)), f) }

func TestWithoutFaultsNothingGoesWrong(t *testing.T) {
	s := newStream(1, Faults{})
	for n := range uint64(100) {
		s.Publish(n+1, n+1, int64(n), []byte{byte(n)})
	}
	got := settle(s)
	if len(got) != 100 || len(s.Committed()) != 100 {
		t.Fatalf("%d answers, %d entries; want 100 of each", len(got), len(s.Committed()))
	}
	for i, r := range got {
		if r.Outcome != Written || r.Seq != uint64(i+1) || r.Number != r.Seq {
			t.Errorf("answer %d: %+v", i, r)
		}
	}
}

func TestExpectedSequence(t *testing.T) {
	for _, tt := range []struct {
		expected int64
		want     Outcome
	}{{2, Written}, {1, Refused}, {3, Refused}, {Unconditional, Written}} {
		s := newStream(1, Faults{})
		s.Append([]byte("a"))
		s.Append([]byte("b"))
		s.Publish(3, 1, tt.expected, []byte("c"))
		if got := settle(s); len(got) != 1 || got[0].Outcome != tt.want {
			t.Errorf("expecting %d: got %+v, want outcome %d", tt.expected, got, tt.want)
		}
	}
}

func TestRead(t *testing.T) {
	s := newStream(1, Faults{})
	s.Append([]byte("a"))
	s.Read(1, 1)
	s.Read(2, 2)
	got := settle(s)
	if len(got) != 2 || got[0].Outcome != Found || string(got[0].Data) != "a" || got[1].Outcome != Nothing {
		t.Errorf("got %+v", got)
	}
}

// Whatever goes wrong, what is committed stays, and what was answered Written
// stands where the answer says.
func TestPromisesHoldUnderFaults(t *testing.T) {
	for seed := range uint64(300) {
		s := newStream(seed, Faults{Lose: 0.1, Delay: 0.2, Double: 0.1, Refuse: 0.1, Fail: 0.1, Stale: 0.2, Elect: 0.1, Survive: 0.5})
		rnd := rand.New(rand.NewPCG(seed, 1))
		var before [][]byte
		for n := range uint64(200) {
			switch rnd.IntN(20) {
			case 0:
				s.Disconnect()
			case 1:
				if at := s.Append([]byte("other")); string(s.Committed()[at-1]) != "other" {
					t.Fatalf("seed %d: not at %d", seed, at)
				}
			default:
				s.Publish(n, n, int64(len(s.Committed())), fmt.Append(nil, n))
			}
			r, ok := s.Step()
			if ok && r.Outcome == Written && string(s.Committed()[r.Seq-1]) != fmt.Sprint(r.Number) {
				t.Fatalf("seed %d: %+v, but %q stands there", seed, r, s.Committed()[r.Seq-1])
			}
			now := s.Committed()
			if len(now) < len(before) || !slices.EqualFunc(before, now[:len(before)], slices.Equal[[]byte]) {
				t.Fatalf("seed %d: what was committed has changed", seed)
			}
			before = slices.Clone(now)
		}
	}
}
