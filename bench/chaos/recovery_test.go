package chaos

import (
	"strings"
	"testing"
	"time"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

const ms = time.Millisecond

func TestRecovered(t *testing.T) {
	byShard := make([][]success, shardCount)
	// Shard 3 answers at once, shard 5 is silent from 100 ms to 900 ms, and a later
	// request is answered before an earlier one.
	byShard[3] = []success{{50 * ms, 60 * ms}, {105 * ms, 110 * ms}, {500 * ms, 510 * ms}}
	byShard[5] = []success{{110 * ms, 950 * ms}, {50 * ms, 60 * ms}, {300 * ms, 900 * ms}}
	for i := range byShard {
		firstAnswers(byShard[i])
	}
	for _, tc := range []struct {
		name   string
		began  time.Duration
		shards []int
		want   time.Duration
	}{
		{"all shards: the slowest", 100 * ms, nil, 800 * ms},
		{"a shard that was not hit", 100 * ms, []int{3}, 10 * ms},
		{"nobody plays in the shard", 100 * ms, []int{7}, 0},
		{"no shard was hit", 100 * ms, []int{}, 0},
		{"the run ended before", 400 * ms, []int{5}, -1},
		{"before anything", 0, []int{3, 5}, 60 * ms},
	} {
		if got := recovered(byShard, &Injected{Began: tc.began, Shards: tc.shards}); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestSummaries(t *testing.T) {
	r := &Report{}
	for i := range 100 {
		r.Faults = append(r.Faults, Injected{Fault: Fault{Kind: "kill"}, Target: "n1", Recovered: time.Duration(100-i) * ms})
	}
	r.Faults = append(r.Faults,
		Injected{Fault: Fault{Kind: "kill"}, Target: "n2", Recovered: -1},
		Injected{Fault: Fault{Kind: "slow-fsync"}, Skipped: "strace is not installed"},
		Injected{Fault: Fault{Kind: "slow-fsync"}, Skipped: "strace is not installed"},
		Injected{Fault: Fault{Kind: "slow-fsync"}, Failed: "broken"},
	)
	got := r.Summaries()
	if len(got) != 2 {
		t.Fatalf("got %+v, want two kinds", got)
	}
	if k := got[0]; k.Injected != 101 || k.P50 != 50*ms || k.P99 != 99*ms || k.Max != 100*ms || k.Lasting != 1 {
		t.Errorf("got %+v", k)
	}
	if k := got[1]; k.Skipped != 2 || k.Failed != 1 || k.Max != 0 || strings.Join(k.Reasons, "|") != "strace is not installed|broken" {
		t.Errorf("got %+v", k)
	}
}

func TestReportIsOKOnlyWithAJudgedHistory(t *testing.T) {
	r := &Report{Seed: 4, For: 60, Members: 3}
	r.check("books settle", true, "never seen")
	if r.OK() {
		t.Error("OK without a history")
	}
	var b strings.Builder
	if err := r.WriteText(&b); err != nil || !contains(b.String(), "--for 1m0s --seed 4 --members 3") || contains(b.String(), "never seen") {
		t.Errorf("got %q, %v, want how to repeat it", b.String(), err)
	}
}
