package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
)

var rewrite = flag.Bool("rewrite", false, "write the golden file again")

// everything has each field of a run set.
func everything(t *testing.T) *Run {
	t.Helper()
	h := figures.NewHistogram()
	figures.Record(h, 3*time.Millisecond)
	d, err := NewDistribution(h)
	if err != nil {
		t.Fatal(err)
	}
	return &Run{
		Version: Version, Name: "name", Load: "replay", Started: time.Date(2026, 5, 17, 20, 0, 0, 0, time.UTC), Seconds: 1.5,
		Build: "0a1b2c", Machine: figures.Machine{CPU: "cpu", Cores: 2, OS: "linux/amd64", Go: "go1.26"},
		Settings: []Setting{{"Speed", "10 ×"}},
		Series:   []Stretch{{At: 0.5, Seconds: 1, Due: 5, Sent: 4, Done: 3, Errors: map[string]int64{"OVERLOADED": 1}, Latency: d}},
		Latency:  d, Delay: d, Limit: "server",
		Outcomes: []Outcomes{{
			Kind: "buy", Then: map[string]int64{"sold": 2}, Now: map[string]int64{"sold": 1, "SOLD_OUT": 1}, Differ: 1,
			Examples: []Difference{{At: 0.25, Player: "p", Request: "buy x", Then: "sold", Now: "SOLD_OUT"}},
		}},
		Checks: []Check{{Name: "nothing is lost", OK: true, Detail: "detail"}},
		Notes:  []string{"a note"},
		Nodes: []Node{{
			Name: "a", Version: "v1",
			Samples: []Sample{{
				At: 1, Seconds: 1, Cores: 0.5, RSS: 1 << 20, Heap: 1 << 19, GCs: 2, GCPauseMs: 0.5, GCLongestMs: 0.4,
				Commits: 10, CommitRecords: 100, CommitBytes: 9000, CommitMs: 20,
			}},
			CommitSizes: []Bucket{{Most: 4, Count: 3}, {Most: 0, Count: 7}},
		}},
		Ownership: []Change{{At: 0.75, Shard: 7, Epoch: 2, From: "a", To: "b", How: HowMoved, StallMs: 9.5}},
	}
}

// Runs that were kept must be readable by every later program.
func TestFormat(t *testing.T) {
	const golden = "testdata/run-v1.json"
	want := everything(t)
	file := filepath.Join(t.TempDir(), "run.json")
	if *rewrite {
		file = golden
	}
	if err := want.Save(file); err != nil {
		t.Fatal(err)
	}
	got, err := Load(golden)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	saved, err1 := os.ReadFile(file)
	kept, err2 := os.ReadFile(golden)
	if err1 != nil || err2 != nil || !bytes.Equal(saved, kept) {
		t.Errorf("%v, %v: what is written is not what was (-args -rewrite):\n%s", err1, err2, saved)
	}
}
