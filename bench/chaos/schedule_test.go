package chaos

import (
	"slices"
	"testing"
	"time"
)

func TestScheduleIsTheSeeds(t *testing.T) {
	a, b := Schedule(Config{Seed: 7}), Schedule(Config{Seed: 7})
	if !slices.Equal(a, b) {
		t.Error("the same seed gave two schedules")
	}
	if c := Schedule(Config{Seed: 8}); slices.Equal(a, c) {
		t.Error("two seeds gave the same schedule")
	}
}

func TestScheduleKeepsItsBounds(t *testing.T) {
	for seed := range uint64(200) {
		cfg := Config{Seed: seed + 1, For: time.Duration(20+seed) * time.Second}
		last := time.Duration(0)
		var running time.Duration // until when the fault before is at work
		for _, f := range Schedule(cfg) {
			k := kinds[f.Kind]
			if f.At < lead || f.At+f.For > cfg.For-tail {
				t.Errorf("seed %d: %s from %s for %s, in a run of %s", cfg.Seed, f.Kind, f.At, f.For, cfg.For)
			}
			if f.At < last {
				t.Errorf("seed %d: %s at %s, after one at %s", cfg.Seed, f.Kind, f.At, last)
			}
			last = f.At
			if want := time.Duration(k.leases * 3 * float64(time.Second)); k.leases > 0 && f.For != want {
				t.Errorf("seed %d: %s for %s, want %s", cfg.Seed, f.Kind, f.For, want)
			} else if k.leases == 0 && (f.For < k.shortest || f.For > k.longest) {
				t.Errorf("seed %d: %s for %s, want %s to %s", cfg.Seed, f.Kind, f.For, k.shortest, k.longest)
			}
			running = max(running, f.At+f.For)
		}
		if len(Schedule(cfg)) == 0 || cfg.For > time.Minute && running < cfg.For/2 {
			t.Errorf("seed %d: the last fault of %s is over at %s", cfg.Seed, cfg.For, running)
		}
	}
}

func TestLongScheduleHasEveryKindAboutAsOften(t *testing.T) {
	count := make(map[Kind]int)
	for _, f := range Schedule(Config{For: 30 * time.Minute}) {
		count[f.Kind]++
	}
	var fewest, most int
	for _, k := range Kinds() {
		if kinds[k].steering {
			if count[k] == 0 {
				t.Errorf("no %s in half an hour", k)
			}
			continue
		}
		if fewest == 0 || count[k] < fewest {
			fewest = count[k]
		}
		most = max(most, count[k])
	}
	if fewest < 10 || most > fewest+1 {
		t.Errorf("got %v, want each kind about as often, at least 10 times", count)
	}
}

func TestScheduleHasWhatWasAskedForAndIsPossible(t *testing.T) {
	for _, f := range Schedule(Config{For: 5 * time.Minute, Faults: []Kind{"kill", "etcd-leader", "move"}, Members: 1}) {
		if f.Kind != "kill" && f.Kind != "move" {
			t.Errorf("got a %s", f.Kind)
		}
	}
}

func TestConfigRefuses(t *testing.T) {
	for want, cfg := range map[string]Config{
		"For: 5s":               {For: 5 * time.Second},
		"For: 240h0m0s":         {For: 240 * time.Hour},
		"Members: 2":            {Members: 2},
		"Rate: 0.5":             {Rate: 0.5},
		"Players: 3 ":           {Players: 3},
		"LeaseTTL: 1s":          {LeaseTTL: time.Second},
		`there is no "quake"`:   {Faults: []Kind{"kill", "quake"}},
		"etcd-leader needs 3":   {Faults: []Kind{"etcd-leader"}, Members: 1},
		"none that is possible": {Faults: []Kind{"etcd-leader", "member-lost"}, Members: 1},
	} {
		if err := cfg.Validate(); err == nil || !contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	if err := (Config{}).Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}
