package journal

import (
	"errors"
	"testing"
)

func TestMeasure(t *testing.T) {
	js := connect(t, startServer(t, t.TempDir(), 0))
	ctx := testContext(t)
	cfg := testConfig()
	check := func(when string, first, last, seal uint64) {
		t.Helper()
		x, err := Measure(ctx, js, cfg.Name)
		if err != nil {
			t.Fatal(err)
		}
		if uint64(x.First) != first || uint64(x.Last) != last || uint64(x.Seal) != seal || x.Created.IsZero() {
			t.Errorf("%s: got %+v, want first %d, last %d, seal %d", when, x, first, last, seal)
		}
	}
	if _, err := Measure(ctx, js, cfg.Name); !errors.Is(err, ErrNoLog) {
		t.Errorf("no log: got %v, want ErrNoLog", err)
	}
	l := openLog(t, js, cfg)
	check("new", 1, 0, 0)
	for i := range 5 {
		if err := l.Wait(ctx, appendRecords(t, l, i, i+1)); err != nil {
			t.Fatal(err)
		}
	}
	check("five entries", 1, 5, 0)
	if err := l.Purge(ctx, 4); err != nil {
		t.Fatal(err)
	}
	check("purged", 4, 5, 0)
	for range 2 { // the first seal counts
		if _, err := Seal(ctx, js, cfg.Name, "n2-8"); err != nil {
			t.Fatal(err)
		}
	}
	check("sealed", 4, 5, 6)
	if x, err := Measure(ctx, js, cfg.Name); err != nil || x.SealedBy != "n2-8" {
		t.Errorf("got sealed by %s, %v, want n2-8", x.SealedBy, err)
	}
}
