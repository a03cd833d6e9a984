package cluster

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestMeter(t *testing.T) {
	at := time.Unix(1e9, 0)
	look := func(m *Meter, after time.Duration, commands uint64) ShardLoad {
		t.Helper()
		at = at.Add(after)
		got := m.Observe(at, []ShardCount{{Shard: 3, Commands: commands, Actors: 5, Bytes: 7}})
		if len(got) != 1 || got[0].Shard != 3 || got[0].Actors != 5 || got[0].Bytes != 7 {
			t.Fatalf("got %+v", got)
		}
		return got[0]
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 0.01*want {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	m := new(Meter)
	if l := look(m, 0, 1000); l.Commands != 0 || l.Over >= time.Second {
		t.Errorf("the first look: got %+v, want nothing measured", l)
	}
	near("the second", look(m, 2*time.Second, 1200).Commands, 100)
	near("after a longer pause", look(m, 5*time.Second, 1700).Commands, 100)
	if l := look(m, 0, 1700); l.Over != 7*time.Second {
		t.Errorf("measured for %v, want 7 s", l.Over)
	}
	// The rate doubles: two thirds of that are seen after the time constant,
	// once what was before has its full weight.
	look(m, 10*time.Minute, 61700)
	near("one time constant later", look(m, meterConstant, 61700+200*uint64(meterConstant/time.Second)).Commands, 100*(2-1/math.E))
	if l := look(m, 2*time.Second, 4); l.Commands != 0 || l.Over >= time.Second {
		t.Errorf("counted anew: got %+v, want nothing measured", l)
	}
	near("then", look(m, 2*time.Second, 24).Commands, 10)
	m.Observe(at, nil)
	if l := look(m, time.Second, 1e6); l.Commands != 0 {
		t.Errorf("it went and came back: got %+v, want nothing measured", l)
	}
}

// TestWeightsAreStale: noise is not news.
func TestWeightsAreStale(t *testing.T) {
	const shards = 30
	r := rand.New(rand.NewPCG(1, 6))
	base, at := make([]float64, shards), make([]NodeName, shards)
	for s := range base {
		base[s], at[s] = 100, nodeName(s%3)
	}
	for _, c := range []struct {
		name   string
		change func(s int, x float64) float64
		want   bool
	}{
		{"as it was", func(_ int, x float64) float64 { return x }, false},
		{"noise of 10 %", func(_ int, x float64) float64 { return x * (1 + 0.1*(2*r.Float64()-1)) }, false},
		{"all a little more", func(_ int, x float64) float64 { return x * 1.09 }, false},
		{"all more", func(_ int, x float64) float64 { return x * 1.11 }, true},
		{"all less", func(_ int, x float64) float64 { return x * 0.88 }, true},
		{"a node has a little more", func(s int, x float64) float64 { return x * (1 + 0.03*float64((s%3)/2)) }, false},
		{"a node has more", func(s int, x float64) float64 { return x * (1 + 0.08*float64((s%3)/2)) }, true},
		{"a shard has more", func(s int, x float64) float64 { return x * (1 + 0.3*float64(s/(shards-1))) }, true},
		{"one is known for the first time", func(s int, x float64) float64 { return x * float64(min(s, 1)) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, now := &weights{rows: base}, make([]float64, shards)
			for s, x := range base {
				now[s] = c.change(s, x)
			}
			if got := w.stale(now, at, 3); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestWeightsOfWhatIsNotMeasured(t *testing.T) {
	w := &weights{rows: []float64{100, 100, 0, 0}}
	loads := &Loads{shards: make([]shardReport, 4)}
	loads.nodes = map[NodeName]reported{"a": {NodeLoad: NodeLoad{Shards: []ShardLoad{
		{Shard: 0, Commands: 40, Over: weightSettled - time.Second}, // just moved
		{Shard: 1, Commands: 40, Over: weightSettled},
		{Shard: 2, Commands: 40, Over: time.Second}, // better than nothing
	}}, rev: 1}}
	loads.index()
	got := w.measured(loads)
	if want := []float64{100, 50, 50, 0}; !equalFloats(got, want) {
		t.Errorf("measured: got %v, want %v", got, want)
	}
	if got, want := (&weights{rows: got}).complete()[3], 200.0/3; math.Abs(got-want) > 1e-9 {
		t.Errorf("a shard of which nothing is known: got %v, want the mean, %v", got, want)
	}
	if got := (&weights{rows: make([]float64, 2)}).complete(); !equalFloats(got, []float64{weightBase, weightBase}) {
		t.Errorf("nothing is known: got %v", got)
	}
}

func equalFloats(a, b []float64) bool {
	for i := range a {
		if len(a) != len(b) || a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestRound(t *testing.T) {
	for x, want := range map[float64]float64{0: 0, 1: 1, 0.12345: 0.123, 12345: 12300, math.Inf(1): 0, math.NaN(): 0} {
		if got := round(x); got != want {
			t.Errorf("round(%v): got %v, want %v", x, got, want)
		}
	}
}
