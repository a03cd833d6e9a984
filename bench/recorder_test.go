package bench

import (
	"maps"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

func TestLatencyOfKnownSamples(t *testing.T) {
	r := newRecorder()
	for i := 1; i <= 1000; i++ { // 1 ms to 1 s, over all stripes
		r.stripe(i).success(time.Duration(i) * time.Millisecond)
	}
	_, total := r.drain()
	got := figures.NewLatency(total.latency)
	want := figures.Latency{Mean: 500.5, P50: 500, P99: 990, P999: 999, Max: 1000}
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"mean", got.Mean, want.Mean}, {"p50", got.P50, want.P50}, {"p99", got.P99, want.P99},
		{"p999", got.P999, want.P999}, {"max", got.Max, want.Max},
	} {
		if math.Abs(c.got-c.want) > c.want/1000 { // three digits
			t.Errorf("%s: got %v, want %v", c.name, c.got, c.want)
		}
	}
}

// Draining in the middle loses nothing and counts nothing twice.
func TestDrainKeepsTheTotal(t *testing.T) {
	r := newRecorder()
	const workers, each = 8, 2000
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for range each {
				s := r.stripe(w)
				s.success(time.Millisecond)
				s.refused(clientv1.Code_CODE_SOLD_OUT)
				s.refused(clientv1.Code_CODE_OVERLOADED)
			}
		})
	}
	var windows int64
	for range 20 {
		w, _ := r.drain()
		windows += w.successes()
	}
	all.Wait()
	w, total := r.drain()
	windows += w.successes()
	if total.successes() != workers*each || windows != workers*each || total.soldOut != workers*each {
		t.Errorf("got %d in all, %d in windows, %d sold out, want %d each", total.successes(), windows, total.soldOut, workers*each)
	}
}

func TestErrorsByName(t *testing.T) {
	r := newRecorder()
	s := r.stripe(0)
	s.refused(clientv1.Code_CODE_SOLD_OUT) // apart
	s.refused(clientv1.Code_CODE_INTERNAL)
	s.refused(clientv1.Code_CODE_INTERNAL)
	s.refused(clientv1.Code(1 << 20)) // of a newer server
	s.refused(clientv1.Code(-1))
	s.disconnected()
	_, total := r.drain()
	want := map[string]int64{"INTERNAL": 2, "UNSPECIFIED": 2, "DISCONNECTED": 1}
	if got := total.errorsByName(); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if total.soldOut != 1 || total.failures() != 5 {
		t.Errorf("got %d sold out and %d failures, want 1 and 5", total.soldOut, total.failures())
	}
}
