package report

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// troubledRun is a run in which everything happens that a page shows: three nodes,
// shards that move, one node that is killed and comes back, errors, outcomes that
// differ from a tape, checks that do not hold, and texts that mean mischief.
func troubledRun(t testing.TB, name string, seed uint64) *Run {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 1))
	speed := 1 + 0.25*float64(seed)
	r := &Run{
		Version: Version, Name: name, Load: "replay", Started: time.Date(2026, 5, 17, 20, 0, 0, 0, time.UTC), Seconds: 60,
		Build:   "0a1b2c3d4e5f",
		Machine: figures.Machine{CPU: "AMD EPYC", Cores: 2, OS: "linux/amd64", Go: "go1.26.8"},
		Settings: []Setting{
			{"Tape", "evening-in-the-world.tape"}, {"Speed", "10 ×"}, {"Scale", []string{"1 ×", "3 ×"}[seed%2]}, {"Players", "2,048"},
		},
		Checks: []Check{
			{Name: "nothing was sold that was not there", OK: true}, {Name: "no acknowledged purchase is lost", OK: true},
			{Name: "every purchase's outcome is known", OK: seed%2 == 0, Detail: []string{"", "2 purchases were given up after 15 s"}[seed%2]},
		},
		Notes: []string{"The tape had 12 records less than were received: the disk was slow while it was recorded.", mischief},
	}
	all, delay := figures.NewHistogram(), figures.NewHistogram()
	for i := range 60 {
		broken := i >= 30 && i < 34
		h := figures.NewHistogram()
		n := 300
		if broken {
			n = 150
		}
		for range n {
			ms := speed * math.Exp(1.6+0.55*random.NormFloat64())
			if broken && random.Float64() < 0.2 {
				ms += 400 + 2400*random.Float64()
			}
			figures.Record(h, time.Duration(ms*float64(time.Millisecond)))
			figures.Record(delay, time.Duration(random.ExpFloat64()*float64(200*time.Microsecond)))
		}
		all.Merge(h)
		d, err := NewDistribution(h)
		if err != nil {
			t.Fatal(err)
		}
		s := Stretch{At: float64(i), Seconds: 1, Due: 5000, Sent: 5000, Done: int64(4990 + random.IntN(20)), Latency: d}
		if broken {
			s.Done = int64(2100 + random.IntN(300))
			s.Errors = map[string]int64{"UNAVAILABLE": int64(80 + random.IntN(90)), "DISCONNECTED": int64(random.IntN(60))}
		}
		if i > 34 && i < 38 {
			s.Done += 2400
			s.Errors = map[string]int64{"OVERLOADED": int64(20 + random.IntN(30))}
		}
		r.Series = append(r.Series, s)
	}
	var err error
	if r.Latency, err = NewDistribution(all); err != nil {
		t.Fatal(err)
	}
	if r.Delay, err = NewDistribution(delay); err != nil {
		t.Fatal(err)
	}
	r.Outcomes = []Outcomes{
		{Kind: "buy", Then: map[string]int64{"sold": 41_200, "SOLD_OUT": 8_800, "LIMIT_REACHED": 12}, Now: map[string]int64{"sold": 41_200 - 31*int64(seed), "SOLD_OUT": 8_800, "LIMIT_REACHED": 12 + 31*int64(seed)},
			Differ: 31 * int64(seed), Examples: []Difference{
				{At: 12.25, Player: "5f3a9c0d11e2", Request: "buy lantern × 3", Then: "sold", Now: "LIMIT_REACHED"},
				{At: 31.5, Player: "9e107d9d372b", Request: mischief, Then: "sold", Now: "LIMIT_REACHED"},
			}},
		{Kind: "get_player", Then: map[string]int64{"ok": 12_000}, Now: map[string]int64{"ok": 12_000}},
		{Kind: "move", Then: map[string]int64{"ok": 231_077}, Now: map[string]int64{"ok": 231_077}},
	}
	for k, node := range []string{"ann", "bob", "eve"} {
		n := Node{Name: node, Version: "devel-0a1b2c3d4e5f"}
		rss := 90e6 + 12e6*float64(k)
		for i := range 60 {
			if k == 2 && i >= 30 && i < 36 {
				rss = 70e6
				continue
			}
			rss += 6e5 * random.Float64()
			cores := 0.3 + 0.05*float64(k) + 0.08*random.Float64()
			if k != 2 && i >= 30 && i < 38 {
				cores += 0.2
			}
			s := Sample{
				At: float64(i) + 0.9 + 0.1*random.Float64(), Seconds: 1, Cores: cores, RSS: int64(rss), Heap: int64(rss*0.4 + 2e7*random.Float64()),
				GCs: 2, GCPauseMs: 0.2 + random.ExpFloat64(), Commits: int64(190 + random.IntN(30)), CommitRecords: int64(4000 + random.IntN(900)),
			}
			s.CommitBytes, s.CommitMs = 90*s.CommitRecords, float64(s.Commits)*(2+random.Float64())
			n.Samples = append(n.Samples, s)
		}
		n.CommitSizes = []Bucket{{1, 120}, {4, 910}, {16, 4100}, {64, 5200}, {256, 840}, {1024, 12}, {0, 0}}
		r.Nodes = append(r.Nodes, n)
	}
	for i := range 5 {
		r.Ownership = append(r.Ownership, Change{At: 11.5 + 0.4*float64(i), Shard: uint32(7 + i), Epoch: 2, From: "ann", To: "bob", How: HowMoved, StallMs: 9.5 + float64(i)})
	}
	for i := range 8 {
		r.Ownership = append(r.Ownership, Change{At: 30.02, Shard: uint32(40 + i), Epoch: 1, From: "eve", How: HowLost})
	}
	for i := range 8 {
		r.Ownership = append(r.Ownership, Change{At: 33.1 + 0.02*float64(i), Shard: uint32(40 + i), Epoch: 2, To: []string{"ann", "bob"}[i%2], How: HowClaimed})
	}
	return r
}

// mischief is a text that a page must show, not obey.
const mischief = `</script><img src=x onerror="alert(1)">`
