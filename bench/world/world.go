package world

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/bench/launch"
)

// shutTimeout bounds removing zones from a cluster that goes on.
const shutTimeout = 30 * time.Second

// World shows a moving world to many viewers, and says how it reached them. An
// error means that it could not be shown; how it went says the report.
func World(ctx context.Context, cfg Config) (*Report, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("check world: %w", err)
	}
	cfg = cfg.withDefaults()
	if err := checkFiles(cfg.Viewers); err != nil {
		return nil, err
	}
	r := &Report{
		Machine: figures.ThisMachine(),
		Parameters: Parameters{
			Viewers: cfg.Viewers, Entities: cfg.Entities, Hz: cfg.Hz, DurationSeconds: cfg.Duration.Seconds(),
			Mood: cfg.Mood, Stalled: cfg.Stalled, OwnNode: cfg.URL == "",
		},
	}
	seen, err := cfg.show(ctx, r)
	if err != nil || !cfg.Baseline {
		return r, err
	}
	return r, cfg.compare(ctx, r, seen)
}

// show shows the world by a node, and returns what was seen.
func (c Config) show(ctx context.Context, r *Report) (seen trace, err error) {
	n := &nodeScene{Target: c.target(), run: newRun(), zones: 1, pick: func(int) []int { return []int{0} }, tracing: c.Baseline}
	stop, err := n.start(ctx, c.URL == "", c.Executable, c.Phase)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := n.open(ctx, spec(c.Entities, c.Hz, c.Mood)); err != nil {
		return nil, err
	}
	a, j, err := c.seat(ctx, n)
	if err != nil {
		return nil, err
	}
	defer a.close()
	c.phase("Measuring for %s", c.Duration)
	m, err := c.measure(ctx, a, j, c.Duration)
	if err != nil {
		return nil, err
	}
	r.Figures, seen = m.figures(), m.trace
	if c.Stalled > 0 {
		if err := c.stall(ctx, a, j, r); err != nil {
			return nil, err
		}
	}
	if c.FindMax {
		r.Max, err = c.findMax(ctx, a, j)
	}
	return seen, err
}

// compare shows what was seen by a bare server.
func (c Config) compare(ctx context.Context, r *Report, seen trace) (err error) {
	c.phase("Starting a bare server in a process of its own")
	b, err := startBare(ctx, c.Executable, seen, c.Hz)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	a, j, err := c.seat(ctx, b)
	if err != nil {
		return err
	}
	defer a.close()
	c.phase("Measuring for %s", c.Duration)
	m, err := c.measure(ctx, a, j, c.Duration)
	if err != nil {
		return err
	}
	r.Baseline = &Baseline{Figures: m.figures()}
	b0 := r.Baseline
	b0.P99Ratio = ratio(r.LatencyMs.P99, b0.LatencyMs.P99)
	b0.CPURatio = ratio(r.ServerCPUPercent, b0.ServerCPUPercent)
	b0.BytesRatio = ratio(r.BytesPerViewerPerSecond, b0.BytesPerViewerPerSecond)
	if c.FindMax {
		b0.Max, err = c.findMax(ctx, a, j)
	}
	return err
}

// seat has the viewers come, and waits until they have settled.
func (c Config) seat(ctx context.Context, s scene) (*audience, *judge, error) {
	a, err := newAudience(s)
	if err != nil {
		return nil, nil, err
	}
	c.phase("Connecting %s viewers", figures.Thousands(int64(c.Viewers)))
	err = a.grow(ctx, c.Viewers, c.narrow)
	if err == nil && !pause(ctx, c.pace.warmUp) {
		err = context.Cause(ctx)
	}
	if err != nil {
		a.close()
		return nil, nil, err
	}
	return a, newJudge(s, a.library), nil
}

// start starts a node, unless there is one. stop ends it, or removes the zones.
func (n *nodeScene) start(ctx context.Context, own bool, command []string, phase func(string)) (stop func() error, err error) {
	if !own {
		return func() error {
			// Also when ctx has ended.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutTimeout)
			defer cancel()
			return n.shut(ctx)
		}, nil
	}
	if phase != nil {
		phase("Starting a node in a process of its own")
	}
	n.node, err = launch.StartNode(ctx, command)
	if err != nil {
		return nil, err
	}
	n.Target = n.node.Target
	return n.node.Stop, nil
}

// newRun begins the names of a run's players and zones.
func newRun() string { return "bench-" + uuid.NewString()[:8] }

// ratio of two figures; 0 when there is none.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return figures.Round(a/b, 3)
}
