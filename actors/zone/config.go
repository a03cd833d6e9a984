package zone

// Meter counts what zones do. It is called often, from several goroutines, and
// must not block.
type Meter interface {
	// Ticked: a zone has moved on by so many ticks, and skipped others.
	Ticked(steps, skipped int)
	// Shown: a zone has made so many frames, of so many bytes together.
	Shown(frames, bytes int)
	// Clamped: an intent went beyond what the zone allows.
	Clamped()
}

// Config is what the kind can be told.
type Config struct {
	// Meter is optional.
	Meter Meter
}

// withDefaults returns c with its zero fields set.
func (c Config) withDefaults() Config {
	if c.Meter == nil {
		c.Meter = unmetered{}
	}
	return c
}

type unmetered struct{}

func (unmetered) Ticked(int, int) {}
func (unmetered) Shown(int, int)  {}
func (unmetered) Clamped()        {}
