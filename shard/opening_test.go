package shard

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestOpeningAsksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		tries := 0
		err := Opening(t.Context(), "a stream", func(ctx context.Context) error {
			if tries++; tries < 3 {
				return silent(ctx)
			}
			return nil
		})
		if err != nil || tries != 3 {
			t.Errorf("%d tries, %v, want the third to succeed", tries, err)
		}
		start := time.Now()
		if err := Opening(t.Context(), "a stream", silent); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != openPatience {
			t.Errorf("after %s: %v, want a deadline exceeded after %s", time.Since(start), err, openPatience)
		}
		refused := errors.New("refused")
		tries = 0
		err = Opening(t.Context(), "a stream", func(context.Context) error { tries++; return refused })
		if !errors.Is(err, refused) || tries != 1 {
			t.Errorf("%d tries, %v, want one", tries, err)
		}
	})
}
