package requests_test

import (
	"errors"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/actors/requests"
)

func TestIDs(t *testing.T) {
	var ids requests.IDs
	limits := requests.IDLimits{Capacity: 2, Memory: time.Hour}
	start := time.Unix(1000, 0)
	add := func(id string, at time.Time) bool {
		forget, retry, ok := ids.Room(at, limits)
		if !ok {
			if want := start.Add(time.Hour).Sub(at); retry != want {
				t.Errorf("%s: try again in %s, want %s", id, retry, want)
			}
			return false
		}
		if err := ids.Add(id, 7, int64(len(id)), at.UnixNano(), forget); err != nil {
			t.Fatal(err)
		}
		return true
	}
	for _, id := range []string{"a", "bb"} {
		if !add(id, start) {
			t.Fatalf("%s: refused", id)
		}
	}
	if add("ccc", start.Add(59*time.Minute)) {
		t.Error("a young id was forgotten")
	}
	for _, test := range []struct {
		id       string
		contents uint64
		result   int64
		known    bool
		err      error
	}{
		{id: "a", contents: 7, result: 1, known: true},
		{id: "bb", contents: 7, result: 2, known: true},
		{id: "bb", contents: 8, known: true, err: requests.ErrReused},
		{id: "ccc", contents: 7},
	} {
		result, known, err := ids.Look(test.id, test.contents)
		if result != test.result || known != test.known || !errors.Is(err, test.err) {
			t.Errorf("Look(%q, %d) = %d, %v, %v, want %d, %v, %v",
				test.id, test.contents, result, known, err, test.result, test.known, test.err)
		}
	}
	var restored requests.IDs
	restored.Restore(ids.Snapshot())
	ids = restored
	if !add("ccc", start.Add(time.Hour)) {
		t.Error("an old id was kept for too long")
	}
	if _, known, _ := ids.Look("a", 7); known {
		t.Error("the oldest id was not forgotten")
	}
	if _, known, _ := ids.Look("bb", 7); !known {
		t.Error("too many ids were forgotten")
	}
	if err := ids.Add("d", 1, 1, 1, 3); err == nil {
		t.Error("forgot more ids than there are")
	}
}

func TestLimitsValidate(t *testing.T) {
	for _, err := range []error{
		requests.IDLimits{Capacity: -1}.Validate(),
		requests.IDLimits{Memory: -1}.Validate(),
		requests.Limits{Callers: -1}.Validate(),
		requests.Limits{Answers: -1}.Validate(),
		requests.Limits{Memory: -1}.Validate(),
	} {
		if err == nil {
			t.Error("a negative limit is accepted")
		}
	}
	if err := errors.Join(requests.IDLimits{}.Validate(), requests.Limits{}.Validate()); err != nil {
		t.Error(err)
	}
}

func TestDigestTellsStringsApart(t *testing.T) {
	sum := func(parts ...string) uint64 {
		d := requests.NewDigest()
		for _, p := range parts {
			d.String(p)
		}
		return d.Sum()
	}
	if sum("ab", "c") == sum("a", "bc") || sum("ab") == sum("ab", "") {
		t.Error("different contents have the same digest")
	}
}
