package client

import (
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	b := newBackoff(100*time.Millisecond, 350*time.Millisecond)
	b.random = func(n int64) int64 { return n - 1 } // the longest
	for i, want := range []time.Duration{100, 200, 350, 350} {
		if got := b.pause(); got != want*time.Millisecond {
			t.Errorf("pause %d: got %s, want %d ms", i, got, want)
		}
	}
	b.random = func(int64) int64 { return 0 } // the shortest
	if got := b.pause(); got != 175*time.Millisecond {
		t.Errorf("without jitter: got %s, want half", got)
	}
}
