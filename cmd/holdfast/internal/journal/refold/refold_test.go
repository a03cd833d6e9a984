package refold

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/shard/checkpoint"
)

// moody is a sum that does not like all numbers.
type moody struct{ sum int64 }

const (
	panics  = 13
	refuses = 14
)

func (c *moody) take(n int64) error {
	switch n {
	case panics:
		panic("thirteen")
	case refuses:
		return errors.New("not that")
	}
	c.sum += n
	return nil
}

func (c *moody) Decide(*actors.Env, *actors.Message, *actors.Decision) error { return nil }
func (c *moody) Apply(e proto.Message) error                                 { return c.take(e.(*wrapperspb.Int64Value).GetValue()) }
func (c *moody) Restore(s proto.Message) error                               { return c.take(s.(*wrapperspb.Int64Value).GetValue()) }

func (c *moody) Snapshot() proto.Message {
	if c.sum < 0 {
		panic("in debt")
	}
	return wrapperspb.Int64(c.sum)
}

func number(t *testing.T, n int64) []byte {
	t.Helper()
	b, err := proto.Marshal(wrapperspb.Int64(n))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newFolder(t *testing.T) *Folder {
	t.Helper()
	message := func() proto.Message { return new(wrapperspb.Int64Value) }
	kinds, err := actors.NewRegistry(actors.Kind{Name: "moody", Event: message, State: message, New: func(id string) actors.Behaviour {
		if id == "unborn" {
			panic("no")
		}
		return new(moody)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return New(kinds)
}

func TestFolding(t *testing.T) {
	f, ref := newFolder(t), actors.Ref{Kind: "moody", ID: "x"}
	begun, err := f.Begin(ref)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int64{5, 6} {
		if err := f.Apply(begun, "moody", number(t, n)); err != nil {
			t.Fatal(err)
		}
	}
	want := checkpoint.Actor{Kind: "moody", ID: "x", Seq: 2, State: number(t, 11)}
	got, err := Capture(ref, 2, begun)
	if err != nil || got.Hash() != want.Hash() {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	restored, err := f.Restore(ref, got.State)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Capture(ref, 2, restored); err != nil || again.Hash() != want.Hash() {
		t.Errorf("restored: got %+v, %v, want %+v", again, err, want)
	}
}

// Whatever an actor does, the caller learns of it as an error.
func TestWhatCannotBeFolded(t *testing.T) {
	f, ref := newFolder(t), actors.Ref{Kind: "moody", ID: "x"}
	x, err := f.Begin(ref)
	if err != nil {
		t.Fatal(err)
	}
	restore := func(ref actors.Ref, state []byte) error { _, err := f.Restore(ref, state); return err }
	begin := func(ref actors.Ref) error { _, err := f.Begin(ref); return err }
	capture := func(b actors.Behaviour) error { _, err := Capture(ref, 1, b); return err }
	for _, tc := range []struct {
		got  error
		want string
	}{
		{f.Apply(x, "moody", number(t, panics)), "panic: thirteen"},
		{f.Apply(x, "moody", number(t, refuses)), "not that"},
		{f.Apply(x, "moody", []byte{0xff}), "decode"},
		{f.Apply(x, "castle", nil), `no kind "castle"`},
		{restore(ref, number(t, panics)), "panic: thirteen"},
		{restore(ref, number(t, refuses)), "restore: not that"},
		{restore(ref, []byte{0xff}), "decode the state"},
		{restore(actors.Ref{Kind: "castle"}, nil), `no kind "castle"`},
		{begin(actors.Ref{Kind: "moody", ID: "unborn"}), "panic: no"},
		{begin(actors.Ref{Kind: "castle"}), `no kind "castle"`},
		{capture(&moody{sum: -1}), "encode the state: panic: in debt"},
	} {
		if tc.got == nil || !strings.Contains(tc.got.Error(), tc.want) {
			t.Errorf("got %v, want one of %q", tc.got, tc.want)
		}
	}
}
