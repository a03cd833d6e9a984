package tidy

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// digestFile holds the digest of what the generated code was generated from.
// Comparing that takes no generator, which takes long to build.
const digestFile = "proto/DIGEST"

func TestGeneratedCode(t *testing.T) {
	want := protoDigest(t)
	file := filepath.Join(root, filepath.FromSlash(digestFile))
	if *write {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: run `make proto`", err)
	}
	if string(got) != want {
		t.Errorf("the generated code is out of date: run `make proto`\n%s", difference(string(got), want))
	}
}

// protoDigest is a line for each file that the generated code depends on.
func protoDigest(t *testing.T) string {
	t.Helper()
	inputs := []string{"buf.gen.yaml", "buf.yaml"}
	for _, p := range files(t) {
		if strings.HasPrefix(p, "proto/") && strings.HasSuffix(p, ".proto") {
			inputs = append(inputs, p)
		}
	}
	slices.Sort(inputs)
	var out strings.Builder
	for _, p := range inputs {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(p)))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%x  %s\n", sha256.Sum256(text), p)
	}
	return out.String()
}

// difference lists the files whose lines differ.
func difference(got, want string) string {
	had := strings.Split(got, "\n")
	var out []string
	for line := range strings.SplitSeq(want, "\n") {
		if _, name, ok := strings.Cut(line, "  "); ok && !slices.Contains(had, line) {
			out = append(out, name)
		}
	}
	return strings.Join(out, "\n")
}

// Each .proto file has its code beside it, and no code stands alone.
func TestGeneratedFilesHaveSources(t *testing.T) {
	all := files(t)
	for _, p := range all {
		if source, ok := strings.CutSuffix(p, ".pb.go"); ok && !slices.Contains(all, source+".proto") {
			t.Errorf("%s was generated from a file that is gone", p)
		}
		if source, ok := strings.CutSuffix(p, ".proto"); ok && !slices.Contains(all, source+".pb.go") {
			t.Errorf("%s has no generated code: run `make proto`", p)
		}
	}
}
