package cluster

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"google.golang.org/protobuf/proto"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// The scripts in testdata are rewritten by go test -run Story -rewrite.

// A record is written "4 a:5-9@3 b:1-@4", its epoch and its segments with theirs,
// and then its checkpoints, "current=b:3-7@4(o1,o2)" and "previous=...".

func parseRecord(t *testing.T, text string) *clusterv1.Shard {
	rec := new(clusterv1.Shard)
	for i, word := range strings.Fields(text) {
		switch name, value, _ := strings.Cut(word, "="); {
		case i == 0:
			rec.Epoch = number(t, word)
		case name == "current":
			rec.Current = parseCheckpoint(t, value)
		case name == "previous":
			rec.Previous = parseCheckpoint(t, value)
		default:
			rec.Segments = append(rec.Segments, parseSegment(t, word))
		}
	}
	return rec
}

func parseCheckpoint(t *testing.T, text string) *clusterv1.Checkpoint {
	text, objects, _ := strings.Cut(strings.TrimSuffix(text, ")"), "(")
	seg := parseSegment(t, text)
	cp := &clusterv1.Checkpoint{
		From:    &clusterv1.Position{Log: seg.GetLog(), Seq: seg.GetFrom()},
		Through: &clusterv1.Position{Log: seg.GetLog(), Seq: seg.GetTo()},
		Epoch:   seg.GetEpoch(),
	}
	for o := range strings.SplitSeq(objects, ",") {
		cp.Parts = append(cp.Parts, &clusterv1.Part{Object: o})
	}
	return cp
}

func parseSegment(t *testing.T, text string) *clusterv1.Segment {
	log, ends, _ := strings.Cut(text, ":")
	ends, epoch, _ := strings.Cut(ends, "@")
	from, to, _ := strings.Cut(ends, "-")
	seg := &clusterv1.Segment{Log: log, From: number(t, from), Epoch: number(t, epoch)}
	if to != "" {
		seg.To = proto.Uint64(number(t, to))
	}
	return seg
}

func number(t *testing.T, text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func formatRecord(rec *clusterv1.Shard) string {
	words := []string{strconv.FormatUint(rec.GetEpoch(), 10)}
	for _, s := range rec.GetSegments() {
		to := ""
		if s.To != nil {
			to = strconv.FormatUint(s.GetTo(), 10)
		}
		words = append(words, fmt.Sprintf("%s:%d-%s@%d", s.GetLog(), s.GetFrom(), to, s.GetEpoch()))
	}
	words = append(words, formatCheckpoint("current", rec.GetCurrent())...)
	words = append(words, formatCheckpoint("previous", rec.GetPrevious())...)
	return strings.Join(words, " ")
}

func formatCheckpoint(name string, cp *clusterv1.Checkpoint) []string {
	if cp == nil {
		return nil
	}
	var objects []string
	for _, p := range cp.GetParts() {
		objects = append(objects, p.GetObject())
	}
	return []string{fmt.Sprintf("%s=%s:%d-%d@%d(%s)", name, cp.GetFrom().GetLog(), cp.GetFrom().GetSeq(),
		cp.GetThrough().GetSeq(), cp.GetEpoch(), strings.Join(objects, ","))}
}

// arg scans one argument of a command.
func arg[T any](t *testing.T, d *datadriven.TestData, name string) (v T) {
	d.ScanArgs(t, name, &v)
	return v
}

// argOr scans an argument that may be missing.
func argOr(t *testing.T, d *datadriven.TestData, name string, absent uint64) uint64 {
	if !d.HasArg(name) {
		return absent
	}
	return arg[uint64](t, d, name)
}

func TestClaimStory(t *testing.T) {
	errs := map[string]error{
		"unavailable": ErrUnavailable,
		"owned":       &OwnedError{Shard: 3, Owner: Route{Incarnation: "c-3", Epoch: 5}},
		"not-owner":   &NotOwnerError{Shard: 3, Owner: Route{Incarnation: "c-3", Epoch: 5}},
		"lease-lost":  ErrLeaseLost,
		"rolled-back": ErrRolledBack,
		"gap":         errors.New("gap in log a"),
	}
	datadriven.Walk(t, "testdata/claim", func(t *testing.T, path string) {
		var c *Claim
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var in ClaimInput
			switch d.Cmd {
			case "claim":
				c = NewClaim(3, LogName(arg[string](t, d, "own")))
			case "acquired":
				in.Record = parseRecord(t, d.Input)
			case "sealed", "flushed":
				in.Seq = LogSeq(arg[uint64](t, d, "at"))
			case "loaded", "served":
			case "failed":
				in.Err = errs[arg[string](t, d, "err")]
			case "stop":
				in.Stop = errors.New("no longer assigned")
			default:
				t.Fatalf("unknown command %q", d.Cmd)
			}
			return formatEffect(c.Step(in))
		})
	})
}

func formatEffect(e ClaimEffect) string {
	words := []string{e.Do.String()}
	add := func(cond bool, format string, args ...any) {
		if cond {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	add(e.Again, "again")
	add(e.Log != "", "log=%s", e.Log)
	add(e.Epoch != 0, "epoch=%d", e.Epoch)
	add(e.Record != nil, "record=[%s]", formatRecord(e.Record))
	add(e.CloseAt != 0, "close-at=%d", e.CloseAt)
	add(e.Do == ClaimAbandon, "release=%v", e.Release)
	add(e.Err != nil, "because %v", e.Err)
	return strings.Join(words, " ") + "\n"
}

func TestRecordStory(t *testing.T) {
	datadriven.Walk(t, "testdata/record", func(t *testing.T, path string) {
		rec := new(clusterv1.Shard)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var next *clusterv1.Shard
			var err error
			log := func() LogName { return LogName(arg[string](t, d, "log")) }
			switch d.Cmd {
			case "record":
				next = parseRecord(t, d.Input)
			case "acquire":
				next = proto.CloneOf(rec)
				next.Epoch++
			case "serve":
				next, err = served(rec, LogSeq(argOr(t, d, "close-at", 0)), log(), LogSeq(arg[uint64](t, d, "from")))
			case "release":
				next = released(rec, LogSeq(arg[uint64](t, d, "to")))
			case "checkpoint":
				next, err = checkpointed(rec, parseCheckpoint(t, d.Input))
			case "lowest":
				low, named := lowestFrom(rec, log())
				return fmt.Sprintf("%d named=%v\n", low, named)
			case "replay":
				return replayStory(rec)
			default:
				t.Fatalf("unknown command %q", d.Cmd)
			}
			if err != nil {
				return "refused: " + err.Error() + "\n"
			}
			out := formatRecord(next) + "\n"
			if gone := dropped(rec, next); len(gone) > 0 {
				out += fmt.Sprintf("dropped %s\n", strings.Join(gone, " "))
			}
			rec = next
			return out
		})
	})
}

// replayStory says what is replayed on top of each checkpoint, and of nothing.
func replayStory(rec *clusterv1.Shard) string {
	var b strings.Builder
	for _, on := range []struct {
		name string
		cp   *clusterv1.Checkpoint
	}{{"current", rec.GetCurrent()}, {"previous", rec.GetPrevious()}, {"nothing", nil}} {
		if on.cp == nil && on.name != "nothing" {
			continue
		}
		fmt.Fprintf(&b, "on %s:", on.name)
		stretches, err := Replay(rec, on.cp)
		for _, s := range stretches {
			fmt.Fprintf(&b, " %s:%d-%d@%d", s.Log, s.From, s.To, s.Epoch)
		}
		if err != nil {
			fmt.Fprintf(&b, " refused: %v", err)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
