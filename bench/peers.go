package bench

import (
	"context"
	"fmt"
	"slices"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// Peers compares Holdfast with what one would build without it, and with a bare
// echo: the same client and the same purchase, in turn, several times. An error
// means that something could not be measured.
func Peers(ctx context.Context, cfg PeersConfig) (*PeersReport, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("check peers: %w", err)
	}
	cfg = cfg.withDefaults()
	return compare(ctx, cfg, slices.DeleteFunc(contenders(cfg), func(c contender) bool { return !slices.Contains(cfg.Only, c.name) }))
}

// compare measures contenders. Everybody is measured once before anybody is
// measured again, so that a machine whose speed drifts is the same to all; and
// each round begins with another, so that nobody always comes after the same.
func compare(ctx context.Context, cfg PeersConfig, all []contender) (*PeersReport, error) {
	r := &PeersReport{
		LoadAverage: figures.LoadAverage(), Machine: figures.ThisMachine(),
		Parameters: PeersParameters{Rounds: cfg.Rounds, DurationSeconds: cfg.Duration.Seconds()},
	}
	var able []contender
	for _, c := range all {
		if c.missing != nil {
			phase(cfg.Progress, "Skipping "+c.title+": "+c.missing.Error())
			r.Skipped = append(r.Skipped, Skipped{Name: c.name, Title: c.title, Why: c.missing.Error()})
		} else {
			able = append(able, c)
		}
	}
	for _, n := range cfg.Connections {
		for _, c := range able {
			r.Rows = append(r.Rows, PeersRow{Name: c.name, Title: c.title, Connections: n})
		}
	}
	for round := range cfg.Rounds {
		for i, n := range cfg.Connections {
			rows := r.Rows[i*len(able) : (i+1)*len(able)]
			for j := range able {
				at := (round + j) % len(able)
				m, err := able[at].run(ctx, n)
				if err != nil {
					return nil, fmt.Errorf("measure %s: %w", able[at].title, err)
				}
				rows[at].enter(m)
				phase(cfg.Progress, fmt.Sprintf("Round %d of %d, %d connections, %s: %s/s, p99 %.1f ms", round+1, cfg.Rounds, n, able[at].title,
					figures.Thousands(int64(m.perSecond)), m.latency.P99))
			}
		}
	}
	r.sumUp()
	return r, nil
}
