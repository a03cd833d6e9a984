package router

import (
	"fmt"
	"time"
)

const (
	// tick is the resolution of every deadline here. One goroutine looks through
	// the table that often, which costs less than a timer for every call.
	tick = 50 * time.Millisecond

	// A command that was answered "not the owner" by the newest owner known waits
	// this long, doubling: two nodes that disagree, or an owner that still loads,
	// must not be asked in a hot loop. Rounded up to the next tick.
	firstPause = 10 * time.Millisecond
	maxPause   = 250 * time.Millisecond

	// retryOverloaded and retryUnavailable are the retry hints of answers made
	// here.
	retryOverloaded  = 250 * time.Millisecond
	retryUnavailable = time.Second
)

// Config configures a Router.
type Config struct {
	// Deadline is how long a call may take in all. Default 5 s.
	Deadline time.Duration

	// Resend is how long a call waits for an answer before it is sent again.
	// Default 1 s.
	Resend time.Duration

	// MaxPending is how many calls may wait at once; more are answered OVERLOADED
	// at once. Default 131,072: at 60,000 calls a second and the longest stall
	// that a failover should cause, two seconds. One takes about 200 bytes and
	// its command.
	MaxPending int

	// Metrics may be nil.
	Metrics *Metrics
}

// Validate says what cannot work, and names the field.
func (c Config) Validate() error {
	switch {
	case c.Deadline <= 0:
		return fmt.Errorf("Deadline %s: must be positive", c.Deadline)
	case c.Resend <= 0:
		return fmt.Errorf("Resend %s: must be positive", c.Resend)
	case c.Resend < tick:
		return fmt.Errorf("Resend %s: must be at least %s", c.Resend, tick)
	case c.MaxPending <= 0:
		return fmt.Errorf("MaxPending %d: must be positive", c.MaxPending)
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Deadline == 0 {
		c.Deadline = 5 * time.Second
	}
	if c.Resend == 0 {
		c.Resend = time.Second
	}
	if c.MaxPending == 0 {
		c.MaxPending = 131_072
	}
	if c.Metrics == nil {
		c.Metrics = NewMetrics(nil)
	}
	return c
}
