package world

import (
	"context"
	"math"
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
)

const (
	// maxP99 is how late the slowest hundredth of frames may be for a world that is
	// held, in milliseconds, and minHz the share of frames that must arrive.
	maxP99 = 100
	minHz  = 0.99
	// stepLength is how long one number of viewers is watched.
	stepLength = 4 * time.Second
	// halvings are the steps between a number that was held and one that was not: the
	// answer is right to an eighth of their difference.
	halvings = 3
)

// findMax looks for the largest number of viewers for whom the world is held:
// doubling, then halving the difference.
func (c Config) findMax(ctx context.Context, a *audience, j *judge) (*Max, error) {
	out := new(Max)
	try := func(n int) (bool, error) {
		c.phase("Trying %s viewers", figures.Thousands(int64(n)))
		s, err := c.step(ctx, a, j, n)
		if err != nil {
			return false, err
		}
		out.Steps = append(out.Steps, s)
		if s.Held {
			out.Viewers = max(out.Viewers, n)
		}
		return s.Held, nil
	}
	held, failed := 0, 0
	for n := c.Viewers; failed == 0 && held < maxViewers; n = min(2*n, maxViewers) {
		if checkFiles(n) != nil {
			break
		}
		ok, err := try(n)
		if err != nil {
			return nil, err
		}
		if ok {
			held = n
		} else {
			failed = n
		}
	}
	if out.AtLeast = failed == 0; out.AtLeast {
		return out, nil
	}
	for range halvings {
		n := (held + failed) / 2
		if n == held {
			break
		}
		ok, err := try(n)
		if err != nil {
			return nil, err
		}
		if ok {
			held = n
		} else {
			failed = n
		}
	}
	return out, nil
}

// step shows the world to so many viewers.
func (c Config) step(ctx context.Context, a *audience, j *judge, n int) (Step, error) {
	a.sweep()
	a.shrink(n)
	if err := a.grow(ctx, n, c.narrow); err != nil {
		if ctx.Err() != nil {
			return Step{}, err
		}
		return Step{Viewers: n}, nil // a server that cannot take them does not hold them
	}
	if !pause(ctx, warmUp) {
		return Step{}, context.Cause(ctx)
	}
	m, err := a.measure(ctx, j, stepLength)
	if err != nil {
		return Step{}, err
	}
	f := m.figures()
	s := Step{
		Viewers: n, Hz: f.Hz, P99: f.LatencyMs.P99, Lost: f.Lost, Conflated: f.Conflated, Disconnected: f.Disconnected,
		ServerCPUPercent: f.ServerCPUPercent, ClientCPUPercent: f.ClientCPUPercent,
	}
	s.Held = s.Hz >= math.Floor(100*minHz*float64(c.Hz))/100 && s.P99 < maxP99 && s.Lost == 0 && s.Disconnected == 0
	return s, nil
}
