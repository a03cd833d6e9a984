package delta

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/proto/delta"
)

// What the codec is for. Times are not looked at: they are the machine's.
func TestRatios(t *testing.T) {
	for kind, least := range map[string]float64{"crowd": 240, "battle": 34, "idle": 300} {
		trace, err := Generate(GenerateConfig{Kind: kind, Seed: 1, Ticks: 240, Entities: 200})
		if err != nil {
			t.Fatal(err)
		}
		r, err := measureDelta(trace)
		if err != nil {
			t.Fatal(err)
		}
		r.finish()
		if !r.Lossless || r.Verified != 240 {
			t.Errorf("%s: %d of 240 ticks are right", kind, r.Verified)
		}
		if r.Ratio < least {
			t.Errorf("%s: ratio %.1f, want %.0f at least", kind, r.Ratio, least)
		}
		if r.EncodeNs <= 0 || r.DecodeNs <= 0 || r.KeyframeBytes == 0 || r.Entities != 200 {
			t.Errorf("%s: incomplete report %+v", kind, r)
		}
	}
}

// Positions beyond those of zones get a schema of their own.
func TestFarPositions(t *testing.T) {
	trace := Trace{
		{Tick: 1, Entities: []Entity{{ID: 1, X: 1<<24 - 1}, {ID: 2, Y: 5}}},
		{Tick: 2, Entities: []Entity{{ID: 1, X: 0, Y: 1<<24 - 1, State: 7}}},
		{Tick: 9, Entities: []Entity{{ID: 1, X: 3}, {ID: 1<<32 - 1, HP: 1000}}},
	}
	r, err := Measure(trace)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Lossless {
		t.Errorf("%d of 3 ticks are right", r.Verified)
	}
}

// A decoder that is given other frames than were made is noticed.
func TestLossIsNoticed(t *testing.T) {
	trace, err := Generate(GenerateConfig{Kind: "crowd", Seed: 1, Ticks: 20, Entities: 5})
	if err != nil {
		t.Fatal(err)
	}
	other, err := Generate(GenerateConfig{Kind: "crowd", Seed: 2, Ticks: 20, Entities: 5})
	if err != nil {
		t.Fatal(err)
	}
	schema, err := trace.schema()
	if err != nil {
		t.Fatal(err)
	}
	u := run{schema: schema, tables: trace.tables(schema), encode: make([]time.Duration, 20), decode: make([]time.Duration, 20), frames: make([][]byte, 20)}
	var r Report
	if err := u.measure(trace, &r); err != nil || !r.Lossless {
		t.Fatalf("%d of 20 ticks are right: %v", r.Verified, err)
	}
	u.tables = other.tables(schema)
	if lost, _ := u.decodeAll(delta.NewDecoder(schema), trace, 1); lost != 20 {
		t.Errorf("%d of 20 ticks are noticed", lost)
	}
}

func TestCommand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "trace.csv")
	first := runCommand(t, "--generate", "battle", "--seed", "5", "--ticks", "60", "--entities", "20", "--out", file, "--json")
	again := runCommand(t, "--trace", file, "--json")
	for _, r := range []map[string]any{first, again} {
		for _, key := range []string{"ratio", "encode_ns_per_entity", "decode_ns_per_entity", "bytes_per_tick", "lossless"} {
			if r[key] == nil {
				t.Errorf("no %s in %v", key, r)
			}
		}
	}
	b, ok := first["bytes_per_tick"].(map[string]any)
	size := func(name string) float64 { v, _ := b[name].(float64); return v }
	if !ok || size("json") < size("protobuf") || size("protobuf") < size("zstd") || size("zstd") < size("delta") || size("delta") < 4 {
		t.Errorf("unlikely sizes %v", b)
	}
	if first["ratio"] != again["ratio"] || first["lossless"] != true {
		t.Errorf("got %v from the file, want %v", again, first)
	}
}

func runCommand(t *testing.T, args ...string) map[string]any {
	t.Helper()
	c := Command()
	var out bytes.Buffer
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(&out)
	if err := c.Execute(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, &out)
	}
	var r map[string]any
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBadCommands(t *testing.T) {
	for _, tc := range []struct{ args, want string }{
		{"--generate riot", "none of battle, crowd, idle"},
		{"--ticks 1", "Ticks 1"},
		{"--entities 4097", "Entities 4097"},
		{"--trace x.csv --seed 3", "none of the others can be"},
		{"--trace /does/not/exist.csv", "read trace"},
	} {
		c := Command()
		c.SetArgs(strings.Fields(tc.args))
		c.SetOut(&bytes.Buffer{})
		c.SetErr(&bytes.Buffer{})
		if err := c.Execute(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %s", tc.args, err, tc.want)
		}
	}
}

func TestReportAsText(t *testing.T) {
	trace, err := Generate(GenerateConfig{Kind: "idle", Seed: 1, Ticks: 30, Entities: 3})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Measure(trace)
	if err != nil {
		t.Fatal(err)
	}
	for _, lossless := range []bool{true, false} {
		var out strings.Builder
		r.Lossless = lossless
		if err := r.WriteText(&out); err != nil {
			t.Fatal(err)
		}
		if want := map[bool]string{true: "✓ all 30 ticks", false: "✗ 30 of 30"}[lossless]; !strings.Contains(out.String(), want) {
			t.Errorf("got %s, want %s", out.String(), want)
		}
	}
}
