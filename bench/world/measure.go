package world

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/bench/launch"
)

// measured is a stretch of time with an audience.
type measured struct {
	*verdict
	from, to time.Time
	bytes    int64 // that all viewers received
	server   launch.Usage
	client   time.Duration // of processor time
	hz       int           // that there should be
}

// measure watches an audience for a while, and judges what those viewers were
// sent who are not stalled.
func (c Config) measure(ctx context.Context, a *audience, j *judge, d time.Duration) (*measured, error) {
	before, err := a.scene.usage(ctx)
	if err != nil {
		return nil, err
	}
	m := &measured{hz: c.Hz, from: time.Now(), bytes: -a.received(), client: -ownTime()}
	if !pause(ctx, d) {
		return nil, context.Cause(ctx)
	}
	m.to = time.Now()
	if m.server, err = a.scene.usage(ctx); err != nil {
		return nil, err
	}
	m.bytes += a.received()
	m.client += ownTime()
	m.server.CPU -= before.CPU
	if !pause(ctx, c.pace.drain) {
		return nil, context.Cause(ctx)
	}
	m.verdict, err = a.judge(j, false, m.from, m.to)
	if err != nil {
		return nil, err
	}
	if m.received == 0 {
		return nil, fmt.Errorf("measure: nothing reached any of %s", figures.Plural(m.viewers, "viewer"))
	}
	return m, nil
}

func (m *measured) seconds() float64 { return m.to.Sub(m.from).Seconds() }

// rate is the frames a second that a viewer received of a zone. It depends on
// where a stretch of time begins whether it holds a tick more or less; that is
// no other rate.
func (m *measured) rate() float64 {
	ticks, want := float64(m.due)/float64(max(m.seats, 1)), m.seconds()*float64(m.hz)
	if math.Abs(ticks-want) <= 1 {
		ticks = want
	}
	return float64(m.received) / float64(max(m.due, 1)) * ticks / m.seconds()
}

// figures sums a measurement up.
func (m *measured) figures() Figures {
	viewers, seconds := float64(max(m.viewers, 1)), m.seconds()
	percent := func(d time.Duration) float64 { return figures.Round(100*d.Seconds()/seconds, 1) }
	return Figures{
		Viewers: m.viewers, Frames: m.received,
		BytesPerViewerPerSecond: figures.Round(float64(m.bytes)/viewers/seconds, 1),
		Ratio:                   figures.Round(float64(m.full)/float64(max(m.bytes, 1)), 2),
		LatencyMs:               figures.NewLatency(m.latency),
		Hz:                      figures.Round(m.rate(), 2),
		Lost:                    m.lost, Conflated: m.conflated,
		Undecodable: m.undecodable + m.stray, Disconnected: m.disconnected,
		ServerCPUPercent: percent(m.server.CPU), ServerRSSBytes: m.server.RSS, ServerPeakBytes: m.server.Peak,
		ClientCPUPercent: percent(m.client),
	}
}

// pause sleeps, and is false when ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
