package history

import (
	"strings"
	"testing"
)

func text(t testing.TB, r *Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Runs without fault, of any shape, hold.
func TestRunsWithoutFaultHold(t *testing.T) {
	shapes := map[string]size{
		"small":         small,
		"one at a time": {players: 4, purchases: 100, skus: 1, slices: 1, shards: 4, nodes: 2, stock: 1000, outstanding: 1, reads: 50},
		"sold out":      {players: 10, purchases: 60, skus: 2, slices: 4, shards: 16, nodes: 3, stock: 30, outstanding: 3, unknown: 0.1, again: 0.2, lost: 0.2, reads: 5},
		"unknown":       {players: 5, purchases: 80, skus: 1, slices: 2, shards: 8, nodes: 3, stock: 10_000, outstanding: 8, unknown: 0.4, lost: 0.5, reads: 40},
		"long":          {players: 2, purchases: 3000, skus: 1, slices: 2, shards: 8, nodes: 3, stock: 10_000, outstanding: 2, unknown: 0.01, again: 0.05, lost: 0.05, reads: 500},
	}
	for name, s := range shapes {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(12) {
				if name == "long" && seed > 2 {
					break
				}
				if r := makeUp(seed, s).judge(t); !r.OK() {
					t.Fatalf("seed %d:\n%s", seed, text(t, r))
				}
			}
		})
	}
}
