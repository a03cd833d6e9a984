package serve

import (
	"math"
	"testing"

	"github.com/holdfast-game/holdfast/gateway"
)

// Clients never have all of a process's open files, because etcd and NATS stop for
// good when they may open none.
func TestFitFiles(t *testing.T) {
	for _, tc := range []struct {
		files               uint64
		clients, handshakes int
	}{
		{math.MaxInt64, 50_000, 4096},
		{1 << 20, 50_000, 4096},
		{50_000 + 4096 + ownFiles, 50_000, 4096},
		{20_000, 13_856, 4096},
		{4096, 1536, 512},
		{1024, 384, 128},
		{8, 3, 1},
	} {
		g := gateway.DefaultConfig()
		want := g.MaxConnections > tc.clients
		if fewer := fitFiles(&g, tc.files); fewer != want || g.MaxConnections != tc.clients || g.MaxHandshakes != tc.handshakes {
			t.Errorf("%d files: %d clients and %d handshakes, fewer %t, want %d, %d and %t",
				tc.files, g.MaxConnections, g.MaxHandshakes, fewer, tc.clients, tc.handshakes, want)
		}
		if err := g.Validate(); err != nil {
			t.Errorf("%d files: %v", tc.files, err)
		}
	}
	if most, err := mostFiles(); err != nil || most == 0 {
		t.Errorf("the process may have %d files open, %v", most, err)
	}
}
