package chaos

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// Config says what campaign to run. The zero value of a field is its default.
type Config struct {
	// For is the length of the load. 1 min.
	For time.Duration
	// Seed of the schedule and of the players' choices. 1.
	Seed uint64
	// Faults are the kinds to inject. Empty: all.
	Faults []Kind
	// Keep is the folder for everything, which must be empty or absent. "": a
	// temporary one, removed when all checks hold.
	Keep string
	// Members of etcd, and servers of NATS: 1 or 3. 3.
	Members int

	// Rate of purchases a second. 700.
	Rate float64
	// Players. 320.
	Players int
	// LeaseTTL of the nodes, in whole seconds. 3 s.
	LeaseTTL time.Duration

	// Executable is the program holdfast, before its arguments. Empty: this one.
	Executable []string
	// Log is told how the campaign goes, line by line. nil: nobody.
	Log io.Writer
}

func (c Config) withDefaults() Config {
	setDefault(&c.For, time.Minute)
	setDefault(&c.Seed, 1)
	setDefault(&c.Members, 3)
	setDefault(&c.Rate, 700)
	setDefault(&c.Players, 320)
	setDefault(&c.LeaseTTL, 3*time.Second)
	if len(c.Faults) == 0 {
		c.Faults = Kinds()
	}
	if c.Log == nil {
		c.Log = io.Discard
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Bounds of a campaign.
const (
	// shortest leaves time for one fault between lead and tail.
	shortest = lead + tail + 5*time.Second
	// longest bounds what the disks must hold.
	longest = 6 * time.Hour

	maxRate    = 100_000
	minPlayers = 16
	maxPlayers = 10_000
)

// Validate says which field cannot work, defaults applied.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.For < shortest || c.For > longest:
		return fmt.Errorf("For: %s is not in %s to %s", c.For, shortest, longest)
	case c.Members != 1 && c.Members != 3:
		return fmt.Errorf("Members: %d is not 1 or 3", c.Members)
	case c.Rate < 1 || c.Rate > maxRate:
		return fmt.Errorf("Rate: %g is not in 1 to %d", c.Rate, maxRate)
	case c.Players < minPlayers || c.Players > maxPlayers:
		return fmt.Errorf("Players: %d is not in %d to %d", c.Players, minPlayers, maxPlayers)
	case c.LeaseTTL < 2*time.Second || c.LeaseTTL > 10*time.Second || c.LeaseTTL%time.Second != 0:
		return fmt.Errorf("LeaseTTL: %s is not in 2s to 10s, in whole seconds", c.LeaseTTL)
	}
	for _, k := range c.Faults {
		f, known := kinds[k]
		if !known {
			return fmt.Errorf("Faults: there is no %q; there are %q", k, Kinds())
		}
		if f.members > c.Members && len(c.Faults) == 1 {
			return fmt.Errorf("Faults: %s needs %d members", k, f.members)
		}
	}
	if !slices.ContainsFunc(c.Faults, func(k Kind) bool { return kinds[k].members <= c.Members }) {
		return errors.New("Faults: none that is possible with one member")
	}
	return nil
}
