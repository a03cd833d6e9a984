package report

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var pageShots = flag.String("report.shots", "", "folder to save the pages and pictures of them to")

// savePage writes a page where a browser finds it.
func savePage(t *testing.T, name string, runs ...*Run) string {
	t.Helper()
	dir := *pageShots
	if dir == "" {
		dir = t.TempDir()
	}
	file := filepath.Join(dir, name+".html")
	if err := SavePage(file, runs...); err != nil {
		t.Fatal(err)
	}
	return file
}

// A page is one file: nothing in it is fetched from anywhere.
func TestPageNeedsNoNetwork(t *testing.T) {
	var page bytes.Buffer
	if err := WritePage(&page, troubledRun(t, "first", 0), troubledRun(t, "second", 1)); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(page.String(), `"http://www.w3.org/2000/svg"`, "") // a name, not an address
	for _, bad := range []string{"http://", "https://", "//cdn", "url(", "@import", "<link", "import("} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	if m := regexp.MustCompile(`(src|href)="[^#"]`).FindString(text); m != "" {
		t.Errorf("the page has %q", m)
	}
}

// What a run says is shown, and never becomes a part of the page.
func TestPageEscapes(t *testing.T) {
	r := troubledRun(t, mischief, 1)
	r.Nodes[0].Name, r.Ownership[0].To = mischief, mischief
	r.Settings = append(r.Settings, Setting{mischief, mischief})
	r.Series[3].Errors = map[string]int64{mischief: 4}
	var page bytes.Buffer
	if err := WritePage(&page, r); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page.String(), "<img") || strings.Count(page.String(), "</script>") != 2 {
		t.Error("a name became markup")
	}
}

func TestPageOfLittle(t *testing.T) {
	for name, r := range map[string]*Run{
		"an empty run":    {Version: Version},
		"one second":      {Version: Version, Seconds: 1, Series: []Stretch{{Seconds: 1, Done: 1}}},
		"a node unseen":   {Version: Version, Seconds: 1, Nodes: []Node{{Name: "a"}}},
		"two unlike runs": troubledRun(t, "b", 1),
	} {
		if err := WritePage(io.Discard, r, &Run{Version: Version}); err != nil {
			t.Errorf("%s beside an empty one: %v", name, err)
		}
		if err := WritePage(io.Discard, r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPageOfBadRuns(t *testing.T) {
	damaged := troubledRun(t, "a", 0)
	damaged.Series[7].Latency = "HISTFAAA"
	for name, runs := range map[string][]*Run{"none": nil, "three": {damaged, damaged, damaged}, "damaged": {damaged}} {
		var out bytes.Buffer
		if err := WritePage(&out, runs...); err == nil || out.Len() > 0 {
			t.Errorf("%s: got %v and %d bytes, want an error and nothing", name, err, out.Len())
		}
	}
}

func TestCommand(t *testing.T) {
	dir := t.TempDir()
	a, b, page := filepath.Join(dir, "a.json"), filepath.Join(dir, "b.json"), filepath.Join(dir, "page.html")
	for i, file := range []string{a, b} {
		if err := troubledRun(t, file, uint64(i)).Save(file); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) (string, error) {
		var out bytes.Buffer
		c := Command()
		c.SilenceErrors, c.SilenceUsage = true, true
		c.SetOut(&out)
		c.SetArgs(args)
		return out.String(), c.Execute()
	}
	for _, args := range [][]string{{a, "-o", page}, {a, b, "--out", page}} {
		if _, err := run(args...); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(page)
		if err != nil || !strings.HasPrefix(string(text), "<!doctype html>") || !strings.HasSuffix(strings.TrimSpace(string(text)), "</html>") {
			t.Errorf("%q: got %v, want a whole page", args, err)
		}
	}
	for _, args := range [][]string{{}, {a, b, a}, {filepath.Join(dir, "none.json")}} {
		if _, err := run(args...); err == nil {
			t.Errorf("%q: got no error", args)
		}
	}
}
