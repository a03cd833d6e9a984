package jstest

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// oldest is the first version of Node.js that has all that the tests use: a test
// runner, and a WebSocket behind a flag at least.
const oldest = 20

// Node returns the path of Node.js, and skips the test where there is none that
// will do.
func Node(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no Node.js on this machine")
	}
	out, err := exec.Command(path, "--version").Output()
	if err != nil {
		t.Skipf("Node.js does not run: %v", err)
	}
	version := strings.TrimSpace(string(out))
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < oldest {
		t.Skipf("Node.js is %s, and the tests need %d", version, oldest)
	}
	return path
}

// Run has Node.js run bundled tests, one file after the other, with variables
// added to the environment.
func Run(ctx context.Context, t testing.TB, variables []string, files ...string) {
	t.Helper()
	args := []string{"--enable-source-maps", "--experimental-websocket", "--no-warnings", "--test-reporter=spec", "--test-concurrency=1", "--test"}
	cmd := exec.CommandContext(ctx, Node(t), append(args, files...)...)
	cmd.Dir = Root(t)
	cmd.Env = append(os.Environ(), variables...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	t.Logf("%s", out)
}
