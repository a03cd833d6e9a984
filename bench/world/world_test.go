package world

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/bench/launch"
)

// run runs `holdfast bench args…`.
func run(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	root := newRoot()
	var out, errs bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&errs)
	root.SetArgs(append([]string{"bench"}, args...))
	err = root.ExecuteContext(t.Context())
	return out.String(), errs.String(), err
}

// hurry is for servers that are quick.
var hurry = pace{warmUp: 300 * time.Millisecond, drain: 300 * time.Millisecond, recovery: 300 * time.Millisecond}

// short is a world of one second, with a fault. Odd and even viewers are there,
// and sampled ones.
func short(fault string) Config {
	return Config{
		Viewers: 12, Entities: 20, Hz: 40, Duration: time.Second, pace: hurry,
		Executable: []string{"env", "WORLD_TEST_FAULT=" + fault, os.Args[0]},
	}
}

func TestWorldReachesEverybody(t *testing.T) {
	t.Parallel()
	cfg := short("")
	cfg.Baseline = true
	r, err := World(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !r.OK() || r.Viewers != 12 || r.Conflated != 0 || !r.Parameters.OwnNode {
		t.Errorf("got %+v, want everything to arrive", r)
	}
	if r.Hz < 38 || r.Hz > 42 || r.Frames < 12*38 || r.LatencyMs.P50 <= 0 || r.LatencyMs.P50 > 100 {
		t.Errorf("got %g Hz, %d frames, %+v, want 40 Hz at once", r.Hz, r.Frames, r.LatencyMs)
	}
	b := r.Baseline
	if b == nil || b.Lost != 0 || b.Hz < 38 || b.Ratio < 0.9 || b.Ratio > 1.1 {
		t.Fatalf("got %+v, want full snapshots of every tick", b)
	}
	// The bare server shows what the node has shown: as full snapshots that is as
	// large as the node's report says, give or take the ticks that fell into it.
	if full := r.BytesPerViewerPerSecond * r.Ratio; full < 0.9*b.BytesPerViewerPerSecond || full > 1.1*b.BytesPerViewerPerSecond {
		t.Errorf("got full snapshots of %.0f bytes/s, and %.0f from the bare server", full, b.BytesPerViewerPerSecond)
	}
	if r.Ratio < 5 || b.BytesRatio > 0.2 {
		t.Errorf("got ratios of %g and %g, want frames that are much smaller than snapshots", r.Ratio, b.BytesRatio)
	}
}

// What goes wrong is seen for what it is.
func TestFaultsAreSeen(t *testing.T) {
	for fault, seen := range map[string]func(*Report) bool{
		"lose": func(r *Report) bool { return r.Lost >= 6 && r.Lost <= 18 && r.Conflated == 0 && r.Disconnected == 0 },
		"conflate": func(r *Report) bool {
			return r.Lost == 0 && r.Conflated >= 12*4 && r.Conflated <= 12*15 && r.Undecodable == 0
		},
		"corrupt": func(r *Report) bool { return r.Undecodable > 30 },
		"cut":     func(r *Report) bool { return r.Disconnected == 1 && r.Lost == 0 },
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			r, err := World(t.Context(), short(fault))
			if err != nil {
				t.Fatal(err)
			}
			if !seen(r) || r.OK() != (fault == "conflate") {
				t.Errorf("got %+v, OK %v", r.Figures, r.OK())
			}
		})
	}
}

func TestStalledViewersAreToldFromOthers(t *testing.T) {
	t.Parallel()
	cfg := short("")
	cfg.Stalled = 0.25
	r, err := World(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := r.Stalled
	if s == nil || s.Viewers != 3 || r.Viewers != 9 || s.Before.Viewers != 12 || s.P99Ratio <= 0 {
		t.Fatalf("got %+v of %+v, want 3 of 12 stalled", s, r.Figures)
	}
	if !r.OK() || r.Conflated != 0 || s.CutOff != 0 {
		t.Errorf("got %+v and %+v, want the others to see everything", r.Figures, s)
	}
}

func TestSearchForTheMost(t *testing.T) {
	for _, tc := range []struct {
		first, most, limit int
		want               int
		atLeast            bool
	}{
		{1000, 20000, 5100, 5000, false}, // 4,000 held, 8,000 not: right to 500
		{1000, 20000, 100, 93, false},    // 1,000, 500, 250, 125 not: 62, 93, 109, 101
		{1000, 20000, 600, 562, false},   //
		{1000, 3000, 99999, 3000, true},  // 1,000, 2,000, 3,000
		{1000, 1000, 99999, 1000, true},  //
		{1, 20000, 1, 1, false},          // 1 held, 2 not
		{2, 20000, 13, 13, false},        // 8 held, 16 not: 12, 14, 13
		{20000, 20000, 19999, 18750, false},
	} {
		got, err := search(tc.first, tc.most, func(n int) (Step, error) {
			return Step{Viewers: n, Held: n <= tc.limit}, nil
		})
		if err != nil || got.Viewers != tc.want || got.AtLeast != tc.atLeast || len(got.Steps) > 16 {
			t.Errorf("%+v: got %+v, %v", tc, got, err)
		}
	}
}

// A failure that does not come again is none.
func TestSearchTriesAgain(t *testing.T) {
	tried := make(map[int]int)
	got, err := search(100, 400, func(n int) (Step, error) {
		tried[n]++
		return Step{Viewers: n, Held: tried[n] == 2}, nil
	})
	if err != nil || got.Viewers != 400 || !got.AtLeast || len(got.Steps) != 6 {
		t.Errorf("got %+v, %v, want 400, each at the second attempt", got, err)
	}
}

func TestFindMaxChangesTheAudience(t *testing.T) {
	t.Parallel()
	b, err := startBare(t.Context(), nil, stroll(7, 5), 50)
	if err != nil {
		t.Fatal(err)
	}
	defer b.stop()
	cfg := Config{Viewers: 4, Hz: 50, Stalled: 0.5, Duration: 200 * time.Millisecond, pace: hurry}.withDefaults()
	a, err := newAudience(b)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	j := newJudge(b, a.library)
	for _, n := range []int{4, 9, 3} {
		s, err := cfg.step(t.Context(), a, j, n)
		if err != nil || !s.Held || s.Viewers != n || len(a.viewers) != n {
			t.Errorf("got %+v, %v with %d viewers, want %d to be held", s, err, len(a.viewers), n)
		}
	}
}

func TestWorldThatCannotBeShown(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	_, err := World(t.Context(), short("refuse"))
	if err == nil || !strings.Contains(err.Error(), "NOT_FOUND: no such zone") {
		t.Errorf("got %v, want to hear why", err)
	}
	if left, _ := os.ReadDir(temp); len(left) != 0 {
		t.Errorf("got %v left behind, want nothing", left)
	}
}

// A cluster that others have started is left as it was.
func TestWorldOfOthers(t *testing.T) {
	t.Parallel()
	cfg := short("")
	n, err := launch.StartNode(t.Context(), cfg.Executable)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Stop()
	cfg.URL, cfg.Admin, cfg.AdminToken, cfg.Secret = n.URL+","+n.URL, n.Admin, n.AdminToken, n.Secret
	r, err := World(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !r.OK() || r.Hz < 38 || r.Parameters.OwnNode || r.ServerRSSBytes != 12<<20 {
		t.Errorf("got %+v, want everything to arrive over both gateways", r)
	}
	answer, err := http.Get(n.Admin + "/zones")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if left, err := io.ReadAll(answer.Body); err != nil || string(left) != "0" {
		t.Errorf("got %s zones left behind, %v", left, err)
	}
}

func TestWorldCommand(t *testing.T) {
	t.Parallel()
	out, phases, err := run(t, "world", "--viewers", "4", "--entities", "5", "--seconds", "0.5", "--json")
	if err != nil || phases != "" {
		t.Fatalf("got %v and %q", err, phases)
	}
	var figures map[string]any
	if err := json.Unmarshal([]byte(out), &figures); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bytes_per_viewer_per_second", "ratio", "latency_ms", "hz", "lost", "conflated", "server_cpu_percent"} {
		if _, ok := figures[name]; !ok {
			t.Errorf("there is no %s in %s", name, out)
		}
	}
}

func TestReportsOfRunsThatWentBadly(t *testing.T) {
	for name, r := range map[string]*Report{
		"lost":         {Figures: Figures{Lost: 1}},
		"undecodable":  {Figures: Figures{Undecodable: 1}},
		"disconnected": {Figures: Figures{Disconnected: 1}},
		"stalled":      {Stalled: &Stalled{Lost: 1}},
	} {
		var out bytes.Buffer
		if err := finish(&out, r, false, r.OK()); !errors.Is(err, ErrChecks) || !strings.Contains(out.String(), "World") {
			t.Errorf("%s: got %v and %q, want an error behind the report", name, err, out.String())
		}
	}
}

func TestIdle(t *testing.T) {
	t.Parallel()
	out, _, err := run(t, "idle", "--connections", "200", "--settle", "0.2", "--baseline", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var r IdleReport
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]*IdleFigures{"node": &r.IdleFigures, "bare server": r.Baseline} {
		if f == nil || f.RSSBefore < 1<<20 || f.RSSAfter < f.RSSBefore || f.BytesPerConnection < 1000 || f.BytesPerConnection > 1_000_000 {
			t.Errorf("%s: got %+v, want some memory for each connection", name, f)
		}
	}
}

func TestZones(t *testing.T) {
	t.Parallel()
	cfg := ZonesConfig{Zones: 6, Watched: 3, Entities: 5, Duration: time.Second, Executable: short("").Executable, pace: hurry}
	r, err := Zones(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if r.Zones != 6 || r.Viewers != 3 || r.Hz < 18 || r.Hz > 22 {
		t.Errorf("got %+v, want 6 zones at 20 Hz", r)
	}
	if _, _, err := run(t, "zones", "--zones", "-1"); err == nil || !strings.Contains(err.Error(), "Zones: -1") {
		t.Errorf("got %v, want to hear what cannot be", err)
	}
}
