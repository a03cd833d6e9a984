package tidy

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var singles = regexp.MustCompile(`(?m)^SINGLE := (.+)$`)

// What the Makefile tests without the race detector starts no goroutine.
func TestSinglesStartNoGoroutine(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	m := singles.FindSubmatch(text)
	if m == nil {
		t.Fatal("the Makefile does not say which packages are SINGLE")
	}
	seen := make(map[string]bool)
	folders := strings.Fields(string(m[1]))
	for _, s := range sources(t) {
		for _, f := range folders {
			if whole, deep := strings.CutSuffix(f, "/..."); s.dir() == f || deep && within(s.dir(), []string{whole}) {
				seen[f] = true
				if by := starts(s.ast); by != "" {
					t.Errorf("%s starts a goroutine with %s", s.path, by)
				}
			}
		}
	}
	for _, f := range folders {
		if !seen[f] {
			t.Errorf("%s holds no Go files", f)
		}
	}
}

// starts says by what a file starts a goroutine, "" for nothing.
func starts(f *ast.File) (by string) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			by = "go"
		case *ast.CallExpr:
			if s, ok := n.Fun.(*ast.SelectorExpr); ok && (s.Sel.Name == "Go" || s.Sel.Name == "AfterFunc") {
				by = s.Sel.Name
			}
		}
		return by == ""
	})
	return by
}
