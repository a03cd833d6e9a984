package shard

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// openTry is how long the servers may take to make a stream, or to say that it
	// is there, before they are asked again; openPatience is how long in all.
	openTry      = 3 * time.Second
	openPatience = time.Minute
)

// Opening calls open until it gets an answer. NATS servers that several nodes ask
// for the same new stream at once may answer none of them; asked again, they find
// it. The same goes for servers that have just come up.
func Opening(ctx context.Context, what string, open func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, openPatience)
	defer cancel()
	for {
		try, cancel := context.WithTimeout(ctx, openTry)
		err := open(try)
		cancel()
		if err == nil {
			return nil
		}
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return fmt.Errorf("open %s: %w", what, err)
		}
	}
}
