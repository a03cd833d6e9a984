package sim

import (
	"context"
	"sync"
	"sync/atomic"
)

// Seed is a seed and what became of it.
type Seed struct {
	Number uint64
	Result
}

// RunMany simulates n seeds from first on, workers at a time, and passes each to
// each, one at a time but in no particular order. It stops early when each
// returns false, or ctx ends.
func RunMany(ctx context.Context, cfg Config, first, n uint64, workers int, each func(Seed) bool) error {
	if _, err := plant(cfg.Plant); err != nil {
		return err
	}
	var (
		wg      sync.WaitGroup
		mu      sync.Mutex // guards stopped, and is held for each
		stopped bool
		next    atomic.Uint64
	)
	for range workers {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= n {
					return
				}
				one := cfg
				one.Seed = first + i
				r, err := Run(one)
				mu.Lock()
				if !stopped && err == nil {
					stopped = !each(Seed{one.Seed, r})
				}
				over := stopped
				mu.Unlock()
				if over {
					return
				}
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}
