// Package exit says with which status the program ends, and in what words. It
// owns nothing: errors carry their status to main.
package exit

import (
	"errors"
	"strings"
)

const (
	// Failed: the command ran, and what it found or did is bad.
	Failed = 1
	// Unusable: the command could not start: a wrong flag or argument, a taken
	// port, a server that cannot be reached, a token that is not right.
	Unusable = 2

	// The others are those of commands that ask a cluster for something.

	// Refused: the cluster is in no state to do that, and has done nothing.
	Refused = 3
	// NotDone: it was not done in time. It may be done yet.
	NotDone = 4
	// NotFound: there is nothing of that name.
	NotFound = 5
	// Unavailable: the node, or what it stands on, does not answer, or has too
	// much to do. The same command may be tried again.
	Unavailable = 6
)

// marked is an error with a status.
type marked struct {
	error
	status int
}

func (m marked) Unwrap() error { return m.error }

// With marks err with a status. nil stays nil, and a mark that err has already
// stays as well.
func With(status int, err error) error {
	if err == nil || errors.As(err, new(marked)) {
		return err
	}
	return marked{err, status}
}

// Unstarted marks err as the reason that a command could not start. nil stays
// nil.
func Unstarted(err error) error { return With(Unusable, err) }

// Status is the status for an error: 0 for nil.
func Status(err error) int {
	var m marked
	switch {
	case err == nil:
		return 0
	case errors.As(err, &m):
		return m.status
	default:
		return Failed
	}
}

// Line is the error's text on one line, which is what scripts and logs expect.
func Line(err error) string {
	lines := strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' })
	return strings.Join(lines, "; ")
}
