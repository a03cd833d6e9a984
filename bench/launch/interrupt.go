package launch

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Interruptible is a context that ends when the process is told to: what it has
// started can be stopped then, and folders removed. A second time it ends at once.
func Interruptible(ctx context.Context) (_ context.Context, stop context.CancelFunc) {
	ctx, stop = signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// Interrupted is why something has ended that such a context was given to: when
// that has ended, this, and not all that it has brought about.
func Interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("ended early: %w", context.Cause(ctx))
	}
	return err
}
