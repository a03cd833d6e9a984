package tidy

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-game/holdfast/client/js/jstest"
)

// bundles are what esbuild makes of the TypeScript, committed so that neither the
// server nor a page needs it.
var bundles = []struct {
	to    string // folder
	files []string
	args  []string
}{
	{
		to:    "client/js/dist",
		files: []string{"holdfast.js"},
		args:  []string{"holdfast=client/js/src/index.ts"},
	},
	{
		to:    "cmd/holdfast/internal/play/dist",
		files: []string{"icon.svg", "index.html", "play.css", "play.js"},
		args: []string{
			"--minify", "--loader:.html=copy", "--loader:.svg=copy",
			"play=client/js/play/main.ts", "play=client/js/play/play.css", "index=client/js/play/index.html", "icon=client/js/play/icon.svg",
		},
	},
}

func TestBundles(t *testing.T) {
	for _, b := range bundles {
		t.Run(b.to, func(t *testing.T) {
			dir := t.TempDir()
			jstest.Esbuild(t, append([]string{"--bundle", "--format=esm", "--target=es2022", "--charset=utf8", "--outdir=" + dir}, b.args...)...)
			for _, name := range b.files {
				want, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				checkBuilt(t, b.to+"/"+name, want)
			}
		})
	}
}

// Checking types and declaring them takes a compiler that is long in building. So
// what is looked at is whether `make js`, which does both, has seen these sources.
func TestDeclarations(t *testing.T) {
	var sources []string
	for _, p := range files(t) {
		if strings.HasPrefix(p, "client/js/") && !strings.HasPrefix(p, "client/js/dist/") && strings.HasSuffix(p, ".ts") {
			sources = append(sources, p)
		}
	}
	slices.Sort(sources)
	var out bytes.Buffer
	for _, p := range sources {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(p)))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%x  %s\n", sha256.Sum256(text), p)
		if !strings.HasPrefix(p, "client/js/src/") {
			continue
		}
		declarations := strings.Replace(strings.TrimSuffix(p, ".ts")+".d.ts", "/src/", "/dist/types/", 1)
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(declarations))); err != nil {
			t.Errorf("%v: run `make js`", err)
		}
	}
	checkBuilt(t, "client/js/dist/types/DIGEST", out.Bytes())
}

// checkBuilt holds a file of the repository against what it should be, or with
// -write makes it that.
func checkBuilt(t *testing.T, name string, want []byte) {
	t.Helper()
	file := filepath.Join(root, filepath.FromSlash(name))
	if *write {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is out of date (%v): run `make js`", name, err)
	}
}
