package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestStories plays the scripts in testdata/stories to a committer with a
// window of two entries and a timeout of 500 ms. A script is a list of what
// happens, each followed by what the committer does about it; -rewrite writes
// that part anew.
func TestStories(t *testing.T) {
	paths, err := filepath.Glob("testdata/stories/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := newStory(t).play(string(text))
			if *rewrite {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(text) {
				t.Errorf("%s tells another story now; see what changed with -rewrite. Got:\n%s", path, got)
			}
		})
	}
}

type story struct {
	t       *testing.T
	machine *committer
	now     time.Time
	latest  map[uint64]uint64 // entry to its latest attempt
	earlier map[uint64]uint64 // and the one before
	read    uint64            // attempt of the latest read
	asked   uint64            // the entry it asked for
}

func newStory(t *testing.T) *story {
	return &story{
		t: t, machine: newCommitter("n1-7", 2, 500*time.Millisecond), now: time.Unix(0, 0),
		latest: make(map[uint64]uint64), earlier: make(map[uint64]uint64),
	}
}

// play runs a script and returns it with what really happened. Comments stay.
func (s *story) play(script string) string {
	var out strings.Builder
	for line := range strings.Lines(script) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "  "): // what happened when it was written
		case line == "", strings.HasPrefix(line, "#"):
			fmt.Fprintln(&out, line)
		default:
			fmt.Fprintln(&out, line)
			for _, e := range s.do(strings.Fields(line)) {
				fmt.Fprintln(&out, "  "+e)
			}
		}
	}
	return out.String()
}

// do carries out one line:
//
//	offer
//	ack <entry> [at <seq>]
//	refuse <entry> [late]     late: the attempt before the latest is refused
//	fail <entry>
//	find nothing | seal | <entry> | <entry> of <incarnation>
//	lose the read
//	pass <duration>
//	reconnect
func (s *story) do(words []string) []string {
	number := func(i int) uint64 {
		n, err := strconv.ParseUint(words[i], 10, 64)
		if err != nil {
			s.t.Fatalf("%v: %v", words, err)
		}
		return n
	}
	in := input{}
	switch words[0] {
	case "offer":
		if !s.machine.room() {
			return []string{"no room"}
		}
		in.kind = inOffer
	case "ack":
		in = input{kind: inAck, number: number(1), seq: seqOf(number(1))}
		if len(words) > 2 {
			in.seq = seqOf(number(3))
		}
	case "refuse":
		in = input{kind: inRefusal, number: number(1), attempt: s.latest[number(1)]}
		if len(words) > 2 {
			in.attempt = s.earlier[number(1)]
		}
	case "fail":
		in = input{kind: inFailure, number: number(1), attempt: s.latest[number(1)]}
	case "find":
		in = input{kind: inFound, number: s.asked, attempt: s.read}
		switch {
		case words[1] == "seal":
			in.found = &Entry{Incarnation: "n2-9", Seal: true}
		case words[1] != "nothing":
			in.found = &Entry{Incarnation: "n1-7", Number: number(1)}
			if len(words) > 2 {
				in.found.Incarnation = "n3-1"
			}
		}
	case "lose":
		in = input{kind: inReadFailure, number: s.asked, attempt: s.read}
	case "pass":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			s.t.Fatalf("%v: %v", words, err)
		}
		s.now = s.now.Add(d)
		in.kind = inTick
	case "reconnect":
		in.kind = inReconnect
	default:
		s.t.Fatalf("unknown: %v", words)
	}
	in.now = s.now
	return s.tell(s.machine.step(in))
}

func (s *story) tell(effects []effect) (out []string) {
	for _, e := range effects {
		switch e.kind {
		case outPublish:
			s.earlier[e.number], s.latest[e.number] = s.latest[e.number], e.attempt
			again := ""
			if e.again {
				again = " again"
			}
			out = append(out, fmt.Sprintf("publish %d%s, expecting %d", e.number, again, e.number-1))
		case outRead:
			s.read, s.asked = e.attempt, e.number
			out = append(out, fmt.Sprintf("read %d", e.number))
		case outDurable:
			out = append(out, fmt.Sprintf("durable up to %d", e.number))
		case outEnd:
			out = append(out, fmt.Sprintf("end: %v", e.err))
		}
	}
	if due := s.machine.deadline(); !due.IsZero() && len(effects) == 0 && !due.After(s.now.Add(maxPause)) {
		out = append(out, fmt.Sprintf("wait %v", due.Sub(s.now)))
	}
	return out
}
