package committer

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
)

var rewrite = flag.Bool("rewrite", false, "write the stories in testdata anew")

// TestStories plays the scripts in testdata/stories to a machine with a
// window of two entries and a timeout of 500 ms. A script is a list of what
// happens, each followed by what the machine does about it; -rewrite writes
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
	machine *Machine
	now     time.Time
	latest  map[uint64]uint64 // entry to its latest attempt
	earlier map[uint64]uint64 // and the one before
	read    uint64            // attempt of the latest read
	asked   uint64            // the entry it asked for
}

func newStory(t *testing.T) *story {
	return &story{
		t: t, machine: New("n1-7", 2, 500*time.Millisecond), now: time.Unix(0, 0),
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
	in := Input{}
	switch words[0] {
	case "offer":
		if !s.machine.Room() {
			return []string{"no room"}
		}
		in.Kind = Offer
	case "ack":
		in = Input{Kind: Ack, Number: number(1), Seq: cluster.LogSeq(number(1))}
		if len(words) > 2 {
			in.Seq = cluster.LogSeq(number(3))
		}
	case "refuse":
		in = Input{Kind: Refusal, Number: number(1), Attempt: s.latest[number(1)]}
		if len(words) > 2 {
			in.Attempt = s.earlier[number(1)]
		}
	case "fail":
		in = Input{Kind: Failure, Number: number(1), Attempt: s.latest[number(1)]}
	case "find":
		in = Input{Kind: Found, Number: s.asked, Attempt: s.read}
		switch {
		case words[1] == "seal":
			in.Found = &Entry{Incarnation: "n2-9", Seal: true}
		case words[1] != "nothing":
			in.Found = &Entry{Incarnation: "n1-7", Number: number(1)}
			if len(words) > 2 {
				in.Found.Incarnation = "n3-1"
			}
		}
	case "lose":
		in = Input{Kind: ReadFailure, Number: s.asked, Attempt: s.read}
	case "pass":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			s.t.Fatalf("%v: %v", words, err)
		}
		s.now = s.now.Add(d)
		in.Kind = Tick
	case "reconnect":
		in.Kind = Reconnect
	default:
		s.t.Fatalf("unknown: %v", words)
	}
	in.Now = s.now
	return s.tell(s.machine.Step(in))
}

func (s *story) tell(effects []Effect) (out []string) {
	for _, e := range effects {
		switch e.Kind {
		case Publish:
			s.earlier[e.Number], s.latest[e.Number] = s.latest[e.Number], e.Attempt
			again := ""
			if e.Again {
				again = " again"
			}
			out = append(out, fmt.Sprintf("publish %d%s, expecting %d", e.Number, again, e.Number-1))
		case Read:
			s.read, s.asked = e.Attempt, e.Number
			out = append(out, fmt.Sprintf("read %d", e.Number))
		case Durable:
			out = append(out, fmt.Sprintf("durable up to %d", e.Number))
		case Ended:
			out = append(out, fmt.Sprintf("end: %v", e.Err))
		}
	}
	if due := s.machine.Deadline(); !due.IsZero() && len(effects) == 0 && !due.After(s.now.Add(maxPause)) {
		out = append(out, fmt.Sprintf("wait %v", due.Sub(s.now)))
	}
	return out
}
