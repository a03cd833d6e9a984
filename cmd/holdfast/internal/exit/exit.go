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
	// Unusable: the command could not start: a wrong flag, a taken port, a
	// server that cannot be reached.
	Unusable = 2
)

// unusable marks an error with the status Unusable.
type unusable struct{ error }

func (u unusable) Unwrap() error { return u.error }

// Unstarted marks err as the reason that a command could not start. nil stays
// nil.
func Unstarted(err error) error {
	if err == nil {
		return nil
	}
	return unusable{err}
}

// Status is the status for an error: 0 for nil.
func Status(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.As(err, &unusable{}):
		return Unusable
	default:
		return Failed
	}
}

// Line is the error's text on one line, which is what scripts and logs expect.
func Line(err error) string {
	lines := strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' })
	return strings.Join(lines, "; ")
}
