package exit_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
)

func TestStatus(t *testing.T) {
	bad := errors.New("bad")
	for _, tc := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{exit.Unstarted(nil), 0},
		{bad, exit.Failed},
		{exit.Unstarted(bad), exit.Unusable},
		{fmt.Errorf("serve: %w", exit.Unstarted(bad)), exit.Unusable},
		{exit.With(exit.NotDone, nil), 0},
		{fmt.Errorf("drain: %w", exit.With(exit.NotDone, bad)), exit.NotDone},
		{exit.Unstarted(exit.With(exit.Refused, bad)), exit.Refused},
	} {
		if got := exit.Status(tc.err); got != tc.want {
			t.Errorf("%v: status %d, want %d", tc.err, got, tc.want)
		}
	}
	if !errors.Is(exit.Unstarted(bad), bad) {
		t.Error("the mark hides the error")
	}
}

func TestLine(t *testing.T) {
	err := fmt.Errorf("a: %w", errors.Join(errors.New("b"), errors.New("c\n\nd")))
	if got, want := exit.Line(err), "a: b; c; d"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
