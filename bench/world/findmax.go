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

// findMax looks for the largest number of viewers for whom the world is held.
func (c Config) findMax(ctx context.Context, a *audience, j *judge) (*Max, error) {
	most := maxViewers
	for most > c.Viewers && checkFiles(most) != nil {
		most -= most / 20
	}
	return search(c.Viewers, max(most, c.Viewers), func(n int) (Step, error) {
		c.phase("Trying %s viewers", figures.Thousands(int64(n)))
		return c.step(ctx, a, j, n)
	})
}

// search tries numbers of viewers, from first to most: doubling, then halving the
// difference between one that is held and one that is not. A number that is not
// is tried once more: in a few seconds a hundredth of the frames is soon late
// because of something else on the machine.
func search(first, most int, once func(n int) (Step, error)) (*Max, error) {
	out := new(Max)
	try := func(n int) (s Step, err error) {
		for range 2 {
			if s, err = once(n); err != nil || s.Held {
				break
			}
			out.Steps = append(out.Steps, s)
		}
		return s, err
	}
	held, failed := 0, most+1
	for n, left := first, halvings; n > held && n < failed; {
		s, err := try(n)
		if err != nil {
			return nil, err
		}
		if s.Held {
			out.Steps = append(out.Steps, s)
			held = n
		} else {
			failed = n
		}
		if failed > most {
			n = min(2*n, most)
			continue
		}
		if held > 0 {
			left--
		}
		if left < 0 {
			break
		}
		n = (held + failed) / 2
	}
	out.Viewers, out.AtLeast = held, held == most
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
	if !pause(ctx, c.pace.warmUp) {
		return Step{}, context.Cause(ctx)
	}
	m, err := c.measure(ctx, a, j, min(c.Duration, stepLength))
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
