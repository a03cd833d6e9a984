package report

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
)

func TestSaveAndLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "run.json")
	want := troubledRun(t, "a run", 1)
	if err := want.Save(file); err != nil {
		t.Fatal(err)
	}
	got, err := Load(file)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got another run than was saved, %v", err)
	}
}

func TestLoadWhatIsNoRun(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "JSON",
		"[]":                              "array",
		`{"purchases": 12}`:               "no version",
		`{"version": 0}`:                  "no version 0",
		`{"version": 2, "series": "new"}`: "newer",
		`{"version": 1, "series": "old"}`: "series",
	} {
		file := filepath.Join(t.TempDir(), "run.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(file); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: got %v, want an error with %q and the file", text, err, want)
		}
	}
	if _, err := parse([]byte(`{"version": 2}`)); !errors.Is(err, ErrNewer) {
		t.Errorf("got %v, want ErrNewer", err)
	}
}

func TestDistribution(t *testing.T) {
	h := figures.NewHistogram()
	if d, err := NewDistribution(h); d != "" || err != nil {
		t.Errorf("got %q, %v of nothing", d, err)
	}
	for i := range 10_000 {
		figures.Record(h, time.Duration(i)*time.Microsecond)
	}
	d, err := NewDistribution(h)
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Histogram()
	if err != nil || !got.Equals(h) {
		t.Errorf("got another histogram, %v", err)
	}
	if empty, err := Distribution("").Histogram(); err != nil || empty.TotalCount() != 0 {
		t.Errorf("got %v, want an empty histogram", err)
	}
	for _, bad := range []Distribution{"?", "HISTFAAA", d[:len(d)/2]} {
		if _, err := bad.Histogram(); err == nil {
			t.Errorf("%.20q was understood", string(bad))
		}
	}
}
