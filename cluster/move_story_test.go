package cluster

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// moveErrors are the errors that the scripts of moves name.
var moveErrors = map[string]error{
	"unavailable":    ErrUnavailable,
	"undecided":      ErrUndecided,
	"successor-gone": ErrSuccessorGone,
	"not-owner":      &NotOwnerError{Shard: 3, Owner: Route{Incarnation: "c-3", Epoch: 5}},
	"lease-lost":     ErrLeaseLost,
	"timeout":        errors.New("it takes too long"),
	"refused":        errors.New("b refuses"),
	"gap":            errors.New("gap in log a"),
	"denied":         errors.New("etcd: permission denied"),
}

func TestHandoffStory(t *testing.T) {
	datadriven.Walk(t, "testdata/handoff", func(t *testing.T, path string) {
		var h *Handoff
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var in HandoffInput
			switch d.Cmd {
			case "move":
				h = NewHandoff(3)
			case "prepared":
				in.Prepared = &Successor{Node: "b", Incarnation: "b-2", Lease: 2, Log: "log-b", From: LogSeq(arg[uint64](t, d, "from"))}
				in.Behind = int(argOr(t, d, "behind", 0))
			case "frozen":
				in.Frozen = &HandoffFrozen{At: LogSeq(arg[uint64](t, d, "at")), Hash: arg[uint64](t, d, "hash"), Actors: 4}
			case "verified":
				hash := arg[uint64](t, d, "hash")
				in.Verified = &hash
			case "committed":
				in.Committed = true
			case "failed":
				in.Err = moveErrors[arg[string](t, d, "err")]
			case "stop":
				in.Stop = moveErrors[arg[string](t, d, "why")]
			default:
				t.Fatalf("unknown command %q", d.Cmd)
			}
			return formatHandoff(h.Step(in))
		})
	})
}

func formatHandoff(e HandoffEffect) string {
	words := []string{e.Do.String()}
	switch e.Do {
	case HandoffFinal:
		words = append(words, fmt.Sprintf("at=%d hash=%d actors=%d", e.Final.At, e.Final.Hash, e.Final.Actors))
	case HandoffCommit, HandoffForward:
		words = append(words, fmt.Sprintf("at=%d to=%s from=%d", e.At, e.Target.Incarnation, e.Target.From))
	case HandoffAbort:
		words = append(words, fmt.Sprintf("frozen=%v", e.Frozen))
	}
	if e.Err != nil {
		words = append(words, "because "+e.Err.Error())
	}
	return strings.Join(words, " ") + "\n"
}

func TestAdoptionStory(t *testing.T) {
	datadriven.Walk(t, "testdata/adoption", func(t *testing.T, path string) {
		var a *Adoption
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var in AdoptInput
			seq := func() *LogSeq {
				s := LogSeq(arg[uint64](t, d, "through"))
				return &s
			}
			switch d.Cmd {
			case "wait":
				a = NewAdoption(3)
				return ""
			case "prepare":
				in.Prepare = seq()
			case "final":
				in.Final = seq()
			case "loaded":
				in.Loaded, in.Hash, in.Actors = true, argOr(t, d, "hash", 0), 4
			case "adopted":
				in.Adopted = true
			case "look":
				in.Look = true
			case "aborted":
				in.Aborted = errors.New("the source says: it takes too long")
			case "stop":
				in.Stop = errors.New("the source is silent")
			case "failed":
				in.Err = moveErrors[arg[string](t, d, "err")]
			default:
				t.Fatalf("unknown command %q", d.Cmd)
			}
			return formatAdoption(a.Step(in))
		})
	})
}

func formatAdoption(e AdoptEffect) string {
	words := []string{e.Do.String()}
	switch e.Do {
	case AdoptLoad, AdoptReplay, AdoptPrepared:
		words = append(words, fmt.Sprintf("through=%d final=%v", e.Through, e.Final))
	case AdoptVerified:
		words = append(words, fmt.Sprintf("hash=%d actors=%d", e.Hash, e.Actors))
	}
	if e.Err != nil {
		words = append(words, "because "+e.Err.Error())
	}
	return strings.Join(words, " ") + "\n"
}
