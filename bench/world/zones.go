package world

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// ZonesConfig says how many zones run at once. The zero value of a field is its
// default.
type ZonesConfig struct {
	// Zones of a node. 1,000.
	Zones int
	// Entities that walk in each. 10.
	Entities int
	// Hz is the ticks per second. 20.
	Hz int
	// Watched is how many of the zones have a viewer, who tells whether they tick. 20.
	Watched int
	// Duration of the measurement. 10 s.
	Duration time.Duration
	// Executable and Phase are as in Config.
	Executable []string
	Phase      func(name string)

	pace pace
}

func (c ZonesConfig) withDefaults() ZonesConfig {
	setDefault(&c.Zones, 1000)
	setDefault(&c.Entities, 10)
	setDefault(&c.Hz, 20)
	setDefault(&c.Watched, 20)
	setDefault(&c.Duration, 10*time.Second)
	c.Watched = min(c.Watched, max(c.Zones, 1))
	return c
}

// maxZones bounds those of one node.
const maxZones = 10_000

// Validate says which field cannot work, defaults applied.
func (c ZonesConfig) Validate() error {
	c = c.withDefaults()
	if c.Zones < 1 || c.Zones > maxZones {
		return fmt.Errorf("Zones: %d is not in 1 to %d", c.Zones, maxZones)
	}
	if c.Watched < 1 {
		return fmt.Errorf("Watched: %d is less than 1", c.Watched)
	}
	return Config{Entities: c.Entities, Hz: c.Hz, Duration: c.Duration}.Validate()
}

// ZonesReport says what zones cost.
type ZonesReport struct {
	Zones    int `json:"zones"`
	Entities int `json:"entities"`
	// Figures are those of the zones that are watched.
	Figures
	// Cores is the server's processor time over the time that passed.
	Cores           float64         `json:"cores"`
	TargetHz        int             `json:"target_hz"`
	DurationSeconds float64         `json:"seconds"`
	Machine         figures.Machine `json:"machine"`
}

// OK is as in Report.
func (r *ZonesReport) OK() bool { return (&Report{Figures: r.Figures}).OK() }

// Zones runs many zones on a node of its own and says what they cost it.
func Zones(ctx context.Context, cfg ZonesConfig) (r *ZonesReport, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("check zones: %w", err)
	}
	cfg = cfg.withDefaults()
	c := Config{
		Viewers: cfg.Watched, Entities: cfg.Entities, Hz: cfg.Hz, Duration: cfg.Duration,
		Executable: cfg.Executable, Phase: cfg.Phase, pace: cfg.pace,
	}.withDefaults()
	n := &nodeScene{run: newRun(), zones: cfg.Zones, pick: func(i int) []int { return []int{i * cfg.Zones / cfg.Watched} }}
	err = c.stage(ctx, n, func(_ *audience, _ *judge, m *measured) error {
		r = &ZonesReport{
			Zones: cfg.Zones, Entities: cfg.Entities, Figures: m.figures(), TargetHz: cfg.Hz,
			Cores:           figures.Round(m.server.CPU.Seconds()/m.seconds(), 3),
			DurationSeconds: cfg.Duration.Seconds(), Machine: figures.ThisMachine(),
		}
		return nil
	})
	return r, err
}
