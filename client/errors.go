package client

import (
	"errors"
	"fmt"
	"strings"
	"time"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

var (
	// ErrClosed: the Conn or Lane was closed by its owner.
	ErrClosed = errors.New("client is closed")
	// ErrProtocol: the server said something that the protocol does not have.
	ErrProtocol = errors.New("protocol violation")
	// ErrDisconnected: the connection dropped and Options forbid another one.
	// What was in flight may or may not have happened.
	ErrDisconnected = errors.New("connection lost")
)

// Error is the server's refusal of a request.
type Error struct {
	Code clientv1.Code
	// Text is for people.
	Text string
	// RetryAfter is when sending the same request again may help; 0 when it
	// will not.
	RetryAfter time.Duration
}

func newError(e *clientv1.Error) *Error {
	return &Error{
		Code:       e.GetCode(),
		Text:       e.GetText(),
		RetryAfter: time.Duration(e.GetRetryAfterMs()) * time.Millisecond,
	}
}

func (e *Error) Error() string {
	if e.Text == "" {
		return CodeName(e.Code)
	}
	return fmt.Sprintf("%s: %s", CodeName(e.Code), e.Text)
}

// Is makes errors.Is(err, &Error{Code: c}) true for every refusal with code c.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// CodeOf returns the code of the refusal that err is or wraps, and
// CODE_UNSPECIFIED when err is something else.
func CodeOf(err error) clientv1.Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return clientv1.Code_CODE_UNSPECIFIED
}

// CodeName returns the code as the documentation writes it: SOLD_OUT.
func CodeName(c clientv1.Code) string { return strings.TrimPrefix(c.String(), "CODE_") }

// Unsettled says whether a refusal with this code leaves open what becomes of
// the request, so that only sending it again, with its number, will tell. Every
// other code is the final answer to that request.
func Unsettled(c clientv1.Code) bool {
	switch c {
	case clientv1.Code_CODE_RATE_LIMITED, clientv1.Code_CODE_OVERLOADED, clientv1.Code_CODE_UNAVAILABLE:
		return true
	default:
		return false
	}
}
