package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Injected is a fault and what became of it.
type Injected struct {
	Fault
	// Target is what was hit.
	Target string `json:"target,omitempty"`
	// Skipped says why it was not injected; Failed, what went wrong in injecting
	// it or mending it.
	Skipped string `json:"skipped,omitempty"`
	Failed  string `json:"failed,omitempty"`
	// Began and Healed are times since the history began: when it was in effect,
	// and when it was mended.
	Began  time.Duration `json:"began"`
	Healed time.Duration `json:"healed"`
	// Shards are those that were hit; none means all.
	Shards []int `json:"shards,omitempty"`
	// Recovered is the time from Began until each shard that was hit had carried
	// out a purchase that was sent after Began; negative when not all had.
	Recovered time.Duration `json:"recovered"`
}

// inject injects the faults of a schedule, each at its time, and returns when all
// are mended. When ctx ends it mends at once, and injects no more.
func (c *campaign) inject(ctx context.Context, schedule []Fault, begin time.Time) {
	out, err := os.Create(filepath.Join(c.dir, "faults.jsonl"))
	if err != nil {
		c.say("What is injected is not kept: %v", err)
	} else {
		defer func() { _ = out.Close() }() // the report has it all too
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	for _, f := range schedule {
		if !pause(ctx, time.Until(begin.Add(f.At))) {
			break
		}
		all.Go(func() {
			done := c.injectOne(ctx, f, begin.Add(f.At+f.For))
			mu.Lock()
			defer mu.Unlock()
			c.report.Faults = append(c.report.Faults, done)
			if out != nil {
				_ = json.NewEncoder(out).Encode(done)
			}
		})
	}
	all.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healPatience)
	defer cancel()
	if names, err := c.cluster.stack.revive(ctx); len(names) > 0 {
		c.say("%q were down at the end and are started again (%v)", names, err)
	}
}

// injectOne injects a fault and mends it at its end.
func (c *campaign) injectOne(ctx context.Context, f Fault, end time.Time) Injected {
	done := Injected{Fault: f}
	owners, ownersErr := c.cluster.shards(ctx)
	if kinds[f.Kind].steering {
		owners, ownersErr = nil, nil // hits whom it will
	}
	i, err := kinds[f.Kind].inject(ctx, c.cluster, &f)
	done.Began = c.recorder.Now()
	switch {
	case errors.As(err, new(skipped)):
		done.Skipped = err.Error()
		c.say("%-13s not injected: %v", f.Kind, err)
		return done
	case err != nil:
		done.Failed = err.Error()
		c.say("%-13s FAILED: %v", f.Kind, err)
		return done
	}
	done.Target = i.target
	if ownersErr == nil && i.node != "" {
		done.Shards = []int{}
		for _, s := range owners {
			if s.Owner.Node == i.node {
				done.Shards = append(done.Shards, s.Shard)
			}
		}
	}
	c.say("%-13s %s, for %s", f.Kind, i.target, f.For)
	pause(ctx, time.Until(end))
	healing, cancel := context.WithTimeout(context.WithoutCancel(ctx), healPatience)
	defer cancel()
	if err := i.heal(healing); err != nil {
		done.Failed = fmt.Sprintf("mend: %v", err)
		c.say("%-13s NOT MENDED: %v", f.Kind, err)
	}
	done.Healed = c.recorder.Now()
	return done
}
