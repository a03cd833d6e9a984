package tidy

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestTopLevelFolders(t *testing.T) {
	allowed := []string{"actors", "bench", "client", "cluster", "cmd", "deploy", "docs", "gateway", "internal", "proto", "shard"}
	for _, p := range files(t) {
		if strings.Contains(p, "/") && !slices.Contains(allowed, room(p)) {
			t.Errorf("%s: %s is no room of this house: %q", p, room(p), allowed)
		}
	}
}

func TestPackagesSayWhatTheyAre(t *testing.T) {
	said, at := make(map[string]bool), make(map[string]string)
	for _, s := range sources(t) {
		if s.test() || s.generated() || !strings.Contains(s.path, "/") {
			continue
		}
		at[s.dir()] = s.path
		text := s.ast.Doc.Text()
		if strings.HasPrefix(text, "Package "+s.ast.Name.Name+" ") || s.ast.Name.Name == "main" && strings.HasPrefix(text, "Command ") {
			said[s.dir()] = true
		}
	}
	for dir, file := range at {
		if !said[dir] {
			t.Errorf("package %s (%s) has no package comment", dir, file)
		}
	}
}

// A file of more than longFile lines needs a reason to be one; one of more than
// tooLong has none.
const (
	longFile = 500
	tooLong  = 1000
)

func TestFileLengths(t *testing.T) {
	for _, s := range sources(t) {
		switch {
		case s.generated():
		case s.lines > tooLong:
			t.Errorf("%s has %d lines, the most is %d", s.path, s.lines, tooLong)
		case s.lines > longFile:
			t.Logf("%s has %d lines: is it still one thing?", s.path, s.lines)
		}
	}
}

func TestNames(t *testing.T) {
	// Names that say nothing, and collect everything.
	vague := []string{"util", "utils", "helper", "helpers", "common", "manager", "misc", "base"}
	for _, p := range files(t) {
		for _, word := range strings.FieldsFunc(p, func(r rune) bool { return r == '/' || r == '_' || r == '.' }) {
			if slices.Contains(vague, word) {
				t.Errorf("%s: %q is no name", p, word)
			}
		}
	}
	for _, s := range sources(t) {
		if slices.Contains(vague, s.ast.Name.Name) {
			t.Errorf("%s: package %s says nothing", s.path, s.ast.Name.Name)
		}
	}
}

// unfinished marks what somebody meant to come back to. It is spelt in parts so
// that this file does not match itself.
var unfinished = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)

func TestNothingIsLeftForLater(t *testing.T) {
	for _, s := range sources(t) {
		if s.generated() {
			continue
		}
		// Under synctest a sleep takes no time.
		inBubble := strings.Contains(string(s.text), `"testing/synctest"`)
		for i, line := range strings.Split(string(s.text), "\n") {
			if unfinished.MatchString(line) {
				t.Errorf("%s:%d: %s", s.path, i+1, strings.TrimSpace(line))
			}
			if s.test() && !inBubble && strings.Contains(line, "time.Sl"+"eep(") {
				t.Errorf("%s:%d: a test waits for an event, not for a while", s.path, i+1)
			}
		}
	}
}

var recordName = regexp.MustCompile(`^(\d{4})-[a-z0-9-]+\.md$`)

func TestRecordsAreNumbered(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join(root, "docs", "adr"))
	if err != nil {
		t.Fatal(err)
	}
	next := 1
	for _, e := range entries { // by name
		if e.Name() == "README.md" {
			continue
		}
		m := recordName.FindStringSubmatch(e.Name())
		if m == nil {
			t.Errorf("docs/adr/%s: a record is named 0001-what-was-decided.md", e.Name())
			continue
		}
		if want := fmt.Sprintf("%04d", next); m[1] != want {
			t.Errorf("docs/adr/%s: the next number is %s", e.Name(), want)
		}
		next++
		checkRecord(t, e.Name(), m[1])
	}
}

func checkRecord(t *testing.T, name, number string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "adr", name))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"Context", "Decision", "Consequences"} {
		if !strings.Contains(string(text), part) {
			t.Errorf("docs/adr/%s: has no part %q", name, part)
		}
	}
	if title, _, _ := strings.Cut(string(text), "\n"); !strings.HasPrefix(title, "# ") {
		t.Errorf("docs/adr/%s: %q is no title of record %s", name, title, number)
	}
}
