// Package streams asks JetStream's API for things that several nodes ask for at
// the same moment, most of all when a cluster is started for the first time.
//
// # What it owns
//
// Insist repeats a request whose answer was lost. A replicated JetStream loses
// some: while it elects a leader nobody answers, and of two requests to make the
// same stream, made at once, one may be dropped.
//
// # What the caller must do
//
// Ask only for what can be asked for twice, such as that a stream exists.
//
// # What it does not do
//
// It repeats no refusal: what JetStream will not do it will not do next time.
package streams

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// tryTimeout bounds one try. A stream of three replicas is made in a fraction
	// of that, unless its answer is lost.
	tryTimeout = 2 * time.Second
	// pause is the time between two tries.
	pause = 100 * time.Millisecond
	// patience bounds all tries of a caller without a deadline.
	patience = 30 * time.Second
)

// Insist calls ask, with a context for one try, until it is answered or ctx is
// done.
func Insist[T any](ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	for {
		try, cancel := context.WithTimeout(ctx, tryTimeout)
		v, err := ask(try)
		cancel()
		if err == nil || !unanswered(err) {
			return v, err
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return v, fmt.Errorf("%w, last: %w", context.Cause(ctx), err)
		}
	}
}

// unanswered says whether err leaves open what would have come of a request that
// can be made again.
func unanswered(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.Code == http.StatusServiceUnavailable
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrDisconnected) || errors.Is(err, nats.ErrReconnectBufExceeded)
}
