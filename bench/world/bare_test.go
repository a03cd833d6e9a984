package world

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/proto/delta"
)

// stroll is a trace of entities that walk.
func stroll(ticks, entities int) (t trace) {
	random := rand.New(rand.NewPCG(1, 1))
	table := delta.NewTable(delta.World)
	for tick := range ticks {
		table.Reset()
		for id := range entities {
			table.Append(uint32(id+1), uint32(1000*id+3*tick), uint32(random.IntN(1<<20)), uint32(tick%256), 1000, 1)
		}
		t = append(t, appendEntities(nil, table))
	}
	return t
}

func TestBareServerShowsEveryTickToEverybody(t *testing.T) {
	b, err := startBare(t.Context(), nil, stroll(7, 20), 50)
	if err != nil {
		t.Fatal(err)
	}
	defer b.stop()
	a, err := newAudience(b)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	if err := a.grow(t.Context(), 40, func(int) bool { return false }); err != nil {
		t.Fatal(err)
	}
	m, err := Config{Hz: 50, pace: hurry}.measure(t.Context(), a, newJudge(b, a.library), 500*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	f := m.figures()
	if f.Lost != 0 || f.Conflated != 0 || f.Undecodable != 0 || f.Disconnected != 0 {
		t.Errorf("got %+v, want nothing missing", f)
	}
	if f.Hz < 45 || f.Hz > 55 || f.LatencyMs.P50 <= 0 || f.LatencyMs.P50 > 100 {
		t.Errorf("got %g Hz and %+v, want 50 Hz at once", f.Hz, f.LatencyMs)
	}
	// What it sends are full snapshots.
	if f.Ratio < 0.95 || f.Ratio > 1.05 {
		t.Errorf("got a ratio of %g, want 1", f.Ratio)
	}
}
