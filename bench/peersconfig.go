package bench

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// PeersConfig says how to compare Holdfast with its peers. The zero value of a
// field is its default.
type PeersConfig struct {
	// Connections to compare at, one after the other. 64 and 512.
	Connections []int
	// Rounds is how often everything is measured. 5.
	Rounds int
	// Duration of each measurement. 4 s.
	Duration time.Duration
	// Only are the names of those to measure; see ContenderNames. All.
	Only []string

	// Executable starts nodes and servers, before their arguments. Empty: this
	// program.
	Executable []string
	// Progress is told what is being measured. nil: nobody.
	Progress Progress
}

func (c PeersConfig) withDefaults() PeersConfig {
	if len(c.Connections) == 0 {
		c.Connections = []int{64, 512}
	}
	setDefault(&c.Rounds, 5)
	setDefault(&c.Duration, 4*time.Second)
	if len(c.Only) == 0 {
		c.Only = ContenderNames()
	}
	return c
}

const (
	maxRounds = 100
	// maxPeersDuration: the stock lasts so long.
	maxPeersDuration = 10 * time.Minute
)

// Validate says which field cannot work, defaults applied.
func (c PeersConfig) Validate() error {
	c = c.withDefaults()
	for _, n := range c.Connections {
		if n < 1 || n > maxPlayers {
			return fmt.Errorf("Connections: %d is not in 1 to %d", n, maxPlayers)
		}
	}
	for _, name := range c.Only {
		if !slices.Contains(ContenderNames(), name) {
			return fmt.Errorf("Only: no %q among %s", name, strings.Join(ContenderNames(), ", "))
		}
	}
	switch {
	case repeats(c.Connections):
		return errors.New("Connections: the same number twice")
	case repeats(c.Only):
		return errors.New("Only: the same name twice")
	case c.Rounds < 1 || c.Rounds > maxRounds:
		return fmt.Errorf("Rounds: %d is not in 1 to %d", c.Rounds, maxRounds)
	case c.Duration < 0 || c.Duration > maxPeersDuration:
		return fmt.Errorf("Duration: %s is not in 0 to %s", c.Duration, maxPeersDuration)
	}
	return nil
}

func repeats[T comparable](all []T) bool {
	for i, v := range all {
		if slices.Contains(all[:i], v) {
			return true
		}
	}
	return false
}
