package jstest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Root returns the repository's folder.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "internal", "tools", "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("this folder is not within the repository")
		}
		dir = filepath.Dir(dir)
	}
}

// Esbuild runs esbuild in the repository's folder: paths are relative to it.
func Esbuild(t testing.TB, args ...string) {
	t.Helper()
	args = append([]string{"tool", "-modfile=internal/tools/go.mod", "esbuild", "--log-level=warning"}, args...)
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = Root(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("esbuild: %v\n%s", err, out)
	}
}

// BundleTests bundles the tests that a pattern names, relative to the
// repository's folder, and returns the files that Node.js runs.
func BundleTests(t testing.TB, pattern string) []string {
	t.Helper()
	tests, err := filepath.Glob(filepath.Join(Root(t), filepath.FromSlash(pattern)))
	if err != nil || len(tests) == 0 {
		t.Fatalf("find %s: %d files, %v", pattern, len(tests), err)
	}
	dir := t.TempDir()
	args := []string{"--bundle", "--platform=node", "--format=esm", "--sourcemap=inline", "--outdir=" + dir, "--out-extension:.js=.mjs"}
	Esbuild(t, append(args, tests...)...)
	out, err := filepath.Glob(filepath.Join(dir, "*.mjs"))
	if err != nil || len(out) != len(tests) {
		t.Fatalf("%d of %d tests were bundled: %v", len(out), len(tests), err)
	}
	return out
}
