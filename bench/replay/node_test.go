package replay

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/holdfast-game/holdfast/bench/launch"
)

// program is the whole of it, built for the tests that need a node.
var program struct {
	once sync.Once
	dir  string // removed by TestMain; empty: not built
	err  error
}

// startNode starts a node in a process of its own, for the time of a test.
func startNode(t testing.TB, args ...string) *launch.Node {
	t.Helper()
	program.once.Do(func() {
		if program.dir, program.err = os.MkdirTemp("", "holdfast-replay-"); program.err != nil {
			return
		}
		build := exec.Command("go", "build", "-o", filepath.Join(program.dir, "holdfast"), "github.com/holdfast-game/holdfast/cmd/holdfast")
		if out, err := build.CombinedOutput(); err != nil {
			program.err = fmt.Errorf("build holdfast: %w\n%s", err, out)
		}
	})
	if program.err != nil {
		t.Fatal(program.err)
	}
	n, err := launch.StartNode(t.Context(), []string{filepath.Join(program.dir, "holdfast")}, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	})
	return n
}
