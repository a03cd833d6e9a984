package tidy

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// write has the tests write what they would otherwise check: `make proto` and
// `make js`.
var write = flag.Bool("write", false, "write digests and bundles instead of checking them")

const module = "github.com/holdfast-game/holdfast"

// root is the repository's folder, seen from this package's.
var root = filepath.Join("..", "..")

// source is one Go file of the repository.
type source struct {
	path  string // from the root, with slashes
	text  []byte
	ast   *ast.File
	lines int
}

func (s source) test() bool      { return strings.HasSuffix(s.path, "_test.go") }
func (s source) generated() bool { return ast.IsGenerated(s.ast) }
func (s source) dir() string     { return path.Dir(s.path) }

// sources returns the Go files that are, or would be, part of the repository.
func sources(t *testing.T) []source {
	t.Helper()
	out, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 10 {
		t.Fatalf("found only %d Go files under %s", len(out), root)
	}
	return out
}

var parsed = sync.OnceValues(func() ([]source, error) {
	names, err := list()
	if err != nil {
		return nil, err
	}
	var out []source
	fset := token.NewFileSet()
	for _, p := range names {
		if !strings.HasSuffix(p, ".go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(p)))
		if err != nil {
			return nil, err
		}
		f, err := parser.ParseFile(fset, p, text, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		out = append(out, source{path: p, text: text, ast: f, lines: strings.Count(string(text), "\n")})
	}
	return out, nil
})

// files lists the repository's files, from the root and with slashes. Folders
// that Go ignores, or that programs write into, are left out.
func files(t *testing.T) []string {
	t.Helper()
	out, err := list()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func list() (out []string, err error) {
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			hidden := strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_")
			if rel != "." && (hidden || slices.Contains([]string{"bin", "data", "node_modules"}, rel)) {
				return fs.SkipDir
			}
			return nil
		}
		out = append(out, rel)
		return nil
	})
	return out, err
}
