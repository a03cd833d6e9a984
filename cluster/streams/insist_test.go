package streams_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-game/holdfast/cluster/streams"
)

func TestInsist(t *testing.T) {
	refused := &jetstream.APIError{Code: 400, Description: "stream name already in use"}
	for _, tc := range []struct {
		name  string
		errs  []error // of the tries; nil ends them, and so does one that is final
		tries int
		want  error
	}{
		{"answered at once", []error{nil}, 1, nil},
		{"nobody answers while a leader is elected", []error{nats.ErrNoResponders, nats.ErrTimeout, &jetstream.APIError{Code: 503}, nil}, 4, nil},
		{"a refusal is final", []error{nats.ErrTimeout, refused, nil}, 2, refused},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				_, err := streams.Insist(t.Context(), func(context.Context) (int, error) {
					tries++
					return tries, tc.errs[tries-1]
				})
				if tries != tc.tries || !errors.Is(err, tc.want) {
					t.Errorf("got %v after %d tries, want %v after %d", err, tries, tc.want, tc.tries)
				}
			})
		})
	}
}

// A try that is never answered is given up in time for another.
func TestInsistGivesUpATry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		ask := func(ctx context.Context) (int, error) {
			if tries++; tries == 3 {
				return 7, nil
			}
			<-ctx.Done()
			return 0, ctx.Err()
		}
		if v, err := streams.Insist(t.Context(), ask); v != 7 || err != nil {
			t.Errorf("got %d, %v; want 7", v, err)
		}
		tries = 10
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		_, err := streams.Insist(ctx, ask)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 5*time.Second {
			t.Errorf("got %v after %v, want the caller's deadline after 5 s", err, time.Since(began))
		}
	})
}
