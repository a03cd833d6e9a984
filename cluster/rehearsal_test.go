package cluster

import (
	"strings"
	"testing"
	"time"
)

// rehearse has shards asked for so much a second, for so long.
func rehearse(r *Rehearsal, rate []uint64, d time.Duration) (moves []RehearsedMove) {
	for end := r.Now().Add(d); r.Now().Before(end); {
		for s, n := range rate {
			r.Count(ShardID(s), n/10)
		}
		moves = append(moves, r.Advance(r.Now().Add(100*time.Millisecond))...)
	}
	return moves
}

func newRehearsal(t *testing.T, cfg RehearsalConfig) *Rehearsal {
	t.Helper()
	cfg.Start = time.Unix(1e9, 0)
	cfg.Takes = func(ShardID, NodeName, NodeName) time.Duration { return 250 * time.Millisecond }
	r, err := NewRehearsal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRehearsalGivesShardsOut(t *testing.T) {
	r := newRehearsal(t, RehearsalConfig{Nodes: []NodeName{"a", "b", "c"}, Shards: 30, Owners: []NodeName{"a", "gone"}})
	moves := rehearse(r, make([]uint64, 30), 5*time.Second)
	owned := make(map[NodeName]int)
	for s := range ShardID(30) {
		owned[r.Owner(s)]++
	}
	if owned["a"] != 10 || owned["b"] != 10 || owned["c"] != 10 {
		t.Errorf("got %v, want 10 each", owned)
	}
	if len(moves) != 29 || moves[0].From != "" || moves[0].Why != WhyNoOwner || moves[0].At.Sub(moves[0].Told) != 250*time.Millisecond {
		t.Errorf("got %d moves, the first %+v, want 29 shards that nobody had", len(moves), moves[0])
	}
}

// What is rehearsed is what the planner proposes, and it comes to rest.
func TestRehearsalCarriesPlansOut(t *testing.T) {
	rate := make([]uint64, 12)
	var owners []NodeName
	for s := range rate {
		rate[s] = 100
		owners = append(owners, []NodeName{"a", "b", "c"}[s%3])
		if s%3 == 0 {
			rate[s] = 400
		}
	}
	r := newRehearsal(t, RehearsalConfig{Nodes: []NodeName{"a", "b", "c"}, Shards: 12, Owners: owners})
	if moves := rehearse(r, rate, 20*time.Second); len(moves) > 0 {
		t.Fatalf("it moves %+v before it can know", moves)
	}
	p := r.Rebalance()
	if len(p.Moves) == 0 || p.Job == "" {
		t.Fatalf("got %+v, want moves", p)
	}
	moves := rehearse(r, rate, 10*time.Second)
	if len(moves) != len(p.Moves) {
		t.Errorf("got %d moves, %d were proposed", len(moves), len(p.Moves))
	}
	wanted := make(map[ShardID]NodeName)
	for _, m := range p.Moves {
		wanted[m.Shard] = m.To
	}
	for _, m := range moves {
		if wanted[m.Shard] != m.To || m.Why != WhyLoad {
			t.Errorf("got %+v, want shard %s on %s", m, m.Shard, wanted[m.Shard])
		}
	}
	if moves := rehearse(r, rate, 2*time.Minute); len(moves) > 0 {
		t.Errorf("it goes on with %+v", moves)
	}
	if again := r.Propose(); len(again.Moves) > 0 {
		t.Errorf("it would go on with %+v", again.Moves)
	}
}

func TestRehearsalConfig(t *testing.T) {
	takes := func(ShardID, NodeName, NodeName) time.Duration { return 0 }
	for want, cfg := range map[string]RehearsalConfig{
		"without nodes":  {Shards: 3, Takes: takes},
		"shards: 0":      {Nodes: []NodeName{"a"}, Takes: takes},
		"owners of 2":    {Nodes: []NodeName{"a"}, Shards: 1, Owners: []NodeName{"a", "a"}, Takes: takes},
		"takes":          {Nodes: []NodeName{"a"}, Shards: 1},
		"a node's name":  {Nodes: []NodeName{"a b"}, Shards: 1, Takes: takes},
		"must be 1 to 4": {Nodes: []NodeName{"a"}, Shards: MaxShards + 1, Takes: takes},
	} {
		if _, err := NewRehearsal(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want one of %q", err, want)
		}
	}
}
