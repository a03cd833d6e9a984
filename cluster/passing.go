package cluster

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// passing is how time passes for a member: by the process's clock, unless a
// simulation has put its own in.
type passing struct {
	within func(context.Context, time.Duration) (context.Context, context.CancelFunc)
	rest   func(context.Context, time.Duration) bool
}

// timeout is context.WithTimeout.
func (p passing) timeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if p.within != nil {
		return p.within(ctx, d)
	}
	return context.WithTimeout(ctx, d)
}

// pause waits, and is false when ctx ended meanwhile, or stop was closed.
func (p passing) pause(ctx context.Context, d time.Duration, stop <-chan struct{}) bool {
	if p.rest != nil {
		return p.rest(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	case <-stop:
		return false
	}
}

// now is the moment by the wall clock that the member's lease goes by.
func (m *Member) now() *timestamppb.Timestamp {
	return timestamppb.New(time.Unix(0, int64(m.lease.clocks().wall)))
}
