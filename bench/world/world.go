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
	n := &nodeScene{Target: c.cluster(), run: newRun(), zones: 1, pick: func(int) []int { return []int{0} }, tracing: c.Baseline}
	err = c.stage(ctx, n, func(a *audience, j *judge, m *measured) (err error) {
		r.Figures, seen = m.figures(), m.trace
		if c.Stalled > 0 {
			if err := c.stall(ctx, a, j, r); err != nil {
				return err
			}
		}
		if c.FindMax {
			r.Max, err = c.findMax(ctx, a, j)
		}
		return err
	})
	return seen, err
}

// stage makes the zones on a node, has the viewers come and measures. then is
// for what comes after it.
func (c Config) stage(ctx context.Context, n *nodeScene, then func(*audience, *judge, *measured) error) (err error) {
	stop, err := n.start(ctx, c.URL == "", c.Executable, c.Phase)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	c.phase("Making %s", figures.Plural(n.zones, "zone"))
	if err := n.open(ctx, spec(c.Entities, c.Hz, c.Mood)); err != nil {
		return err
	}
	return c.watch(ctx, n, then)
}

// watch has the viewers come and measures.
func (c Config) watch(ctx context.Context, s scene, then func(*audience, *judge, *measured) error) error {
	a, j, err := c.seat(ctx, s)
	if err != nil {
		return err
	}
	defer a.close()
	c.phase("Measuring for %s", c.Duration)
	m, err := c.measure(ctx, a, j, c.Duration)
	if err != nil {
		return err
	}
	return then(a, j, m)
}

// compare shows what was seen by a bare server.
func (c Config) compare(ctx context.Context, r *Report, seen trace) (err error) {
	c.phase("Starting a bare server in a process of its own")
	b, err := startBare(ctx, c.Executable, seen, c.Hz)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	return c.watch(ctx, b, func(a *audience, j *judge, m *measured) (err error) {
		f := m.figures()
		r.Baseline = &Baseline{
			Figures:    f,
			P99Ratio:   ratio(r.LatencyMs.P99, f.LatencyMs.P99),
			CPURatio:   ratio(r.ServerCPUPercent, f.ServerCPUPercent),
			BytesRatio: ratio(r.BytesPerViewerPerSecond, f.BytesPerViewerPerSecond),
		}
		if c.FindMax {
			r.Baseline.Max, err = c.findMax(ctx, a, j)
		}
		return err
	})
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
