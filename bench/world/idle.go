package world

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// IdleConfig says how many connections do nothing. The zero value of a field is
// its default.
type IdleConfig struct {
	// Connections, each of a player of its own, authenticated. 10,000.
	Connections int
	// Settle is how long the server is left alone before its memory is read, both
	// times. 10 s.
	Settle time.Duration
	// Baseline opens as many connections to a bare server afterwards.
	Baseline bool
	// Executable and Phase are as in Config.
	Executable []string
	Phase      func(name string)
}

func (c IdleConfig) withDefaults() IdleConfig {
	setDefault(&c.Connections, 10_000)
	setDefault(&c.Settle, 10*time.Second)
	return c
}

// Validate says which field cannot work, defaults applied.
func (c IdleConfig) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Connections < 1 || c.Connections > maxViewers:
		return fmt.Errorf("Connections: %d is not in 1 to %d", c.Connections, maxViewers)
	case c.Settle < 0 || c.Settle > maxDuration:
		return fmt.Errorf("Settle: %s is not in 0 to %s", c.Settle, maxDuration)
	}
	return nil
}

// IdleFigures are what idle connections cost a server.
type IdleFigures struct {
	// RSSBefore and RSSAfter are the server's memory in bytes, without and with the
	// connections.
	RSSBefore int64 `json:"rss_before_bytes"`
	RSSAfter  int64 `json:"rss_after_bytes"`
	// BytesPerConnection is their difference, for one connection.
	BytesPerConnection int64 `json:"bytes_per_connection"`
	// ServerCPUPercent is taken while nothing happens.
	ServerCPUPercent float64 `json:"server_cpu_percent"`
	// Disconnected counts connections that did not last.
	Disconnected int `json:"disconnected"`
}

// IdleReport says what idle connections cost.
type IdleReport struct {
	Connections int `json:"connections"`
	IdleFigures
	Baseline      *IdleFigures    `json:"baseline,omitempty"`
	SettleSeconds float64         `json:"settle_seconds"`
	Machine       figures.Machine `json:"machine"`
}

// Idle opens connections to a node of its own that do nothing, and says what
// they cost it.
func Idle(ctx context.Context, cfg IdleConfig) (*IdleReport, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("check idle: %w", err)
	}
	cfg = cfg.withDefaults()
	r := &IdleReport{Connections: cfg.Connections, SettleSeconds: cfg.Settle.Seconds(), Machine: figures.ThisMachine()}
	if err := cfg.node(ctx, r); err != nil || !cfg.Baseline {
		return r, err
	}
	return r, cfg.bare(ctx, r)
}

func (c IdleConfig) phase(format string, args ...any) { Config{Phase: c.Phase}.phase(format, args...) }

func (c IdleConfig) node(ctx context.Context, r *IdleReport) (err error) {
	n := &nodeScene{run: newRun(), pick: func(int) []int { return nil }}
	stop, err := n.start(ctx, true, c.Executable, c.Phase)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	f, err := c.hold(ctx, n)
	r.IdleFigures = f
	return err
}

func (c IdleConfig) bare(ctx context.Context, r *IdleReport) (err error) {
	c.phase("Starting a bare server in a process of its own")
	b, err := startBare(ctx, c.Executable, nil, 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	f, err := c.hold(ctx, b)
	r.Baseline = &f
	return err
}

// hold opens the connections and looks at the server's memory.
func (c IdleConfig) hold(ctx context.Context, s scene) (f IdleFigures, err error) {
	a, err := newAudience(s)
	if err != nil {
		return f, err
	}
	defer a.close()
	if !pause(ctx, c.Settle) {
		return f, context.Cause(ctx)
	}
	before, err := s.usage(ctx)
	if err != nil {
		return f, err
	}
	c.phase("Connecting %s players", figures.Thousands(int64(c.Connections)))
	if err := a.grow(ctx, c.Connections, func(int) bool { return false }); err != nil {
		return f, err
	}
	c.phase("Leaving them alone for %s", c.Settle)
	connected, err := s.usage(ctx)
	if err != nil {
		return f, err
	}
	if !pause(ctx, c.Settle) {
		return f, context.Cause(ctx)
	}
	after, err := s.usage(ctx)
	if err != nil {
		return f, err
	}
	f = IdleFigures{
		RSSBefore: before.RSS, RSSAfter: after.RSS, BytesPerConnection: (after.RSS - before.RSS) / int64(c.Connections),
		ServerCPUPercent: figures.Round(100*(after.CPU-connected.CPU).Seconds()/max(c.Settle.Seconds(), 1e-3), 1),
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, v := range a.viewers {
		if v.gone != nil {
			f.Disconnected++
		}
	}
	return f, nil
}
