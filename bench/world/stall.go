package world

import (
	"context"
	"fmt"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// stall has the narrow viewers stop reading while the others are measured once
// more, and then read again.
func (c Config) stall(ctx context.Context, a *audience, j *judge, r *Report) error {
	stalled, err := a.stall()
	if err != nil {
		return err
	}
	r.Stalled = &Stalled{Viewers: len(stalled), Before: r.Figures}
	c.phase("Measuring for %s while %s do not read", c.Duration, figures.Plural(len(stalled), "viewer"))
	m, err := c.measure(ctx, a, j, c.Duration)
	if err != nil {
		return err
	}
	r.Figures = m.figures()
	r.Stalled.P99Ratio = ratio(r.LatencyMs.P99, r.Stalled.Before.LatencyMs.P99)
	for _, v := range stalled {
		if err := a.crowd.resume(v.member); err != nil {
			return fmt.Errorf("read again: %w", err)
		}
	}
	if !pause(ctx, c.pace.recovery) {
		return context.Cause(ctx)
	}
	late, err := a.judge(j, true, m.from, m.to)
	if err != nil {
		return err
	}
	r.Stalled.Conflated, r.Stalled.Lost, r.Stalled.CutOff = late.conflated, late.lost, late.disconnected
	for _, v := range stalled {
		v.stalled = false
	}
	a.sweep()
	return nil
}

// stall has the narrow viewers stop reading.
func (a *audience) stall() (stalled []*viewer, err error) {
	a.mu.Lock()
	for _, v := range a.viewers {
		if v.narrow && v.gone == nil {
			v.stalled = true
			stalled = append(stalled, v)
		}
	}
	a.mu.Unlock()
	for _, v := range stalled {
		if err := a.crowd.pause(v.member); err != nil {
			return nil, fmt.Errorf("stop reading: %w", err)
		}
	}
	return stalled, nil
}
