package actorstest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Story is a script and the trace of what comes of it.
type Story struct {
	// Do carries out one line of the script, word by word.
	Do func(words []string)
	// End is called behind the last line. Optional.
	End func()

	trace strings.Builder
}

// Printf adds a line to the trace.
func (s *Story) Printf(format string, args ...any) {
	fmt.Fprintf(&s.trace, format+"\n", args...)
}

// TellStories tells testdata/*.txt, each to a story that begin returns: lines to
// be carried out, a line of dashes, and the trace of all that came of them, up to
// an empty line. With rewrite the files are written anew, as they are told now.
func TellStories(t *testing.T, rewrite bool, begin func(t *testing.T) *Story) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := begin(t).tell(string(b))
			if rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(b) {
				t.Errorf("got:\n%s\nwant:\n%s\nif it is right as it is now, run the test with -rewrite", got, b)
			}
		})
	}
}

func (s *Story) tell(script string) string {
	var told strings.Builder
	lines := strings.Split(strings.TrimRight(script, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		fmt.Fprintln(&told, line)
		switch {
		case line == "----":
			for i+1 < len(lines) && lines[i+1] != "" {
				i++
			}
			told.WriteString(s.trace.String())
			s.trace.Reset()
		case line == "", strings.HasPrefix(line, "#"):
		default:
			s.Do(strings.Fields(line))
		}
	}
	if s.End != nil {
		s.End()
	}
	return told.String()
}
