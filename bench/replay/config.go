package replay

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/bench/launch"
)

// Config says what to replay, and how. The zero value of a field is its default.
type Config struct {
	// Tape is the file.
	Tape string
	// Target is the cluster. Without a URL a node is started for the replay.
	Target launch.Target
	// Speed is how much faster than on the tape. 1, unless Unpaced.
	Speed float64
	// Unpaced: each request is sent as soon as those that it may have used are
	// answered, and latencies count from its sending.
	Unpaced bool
	// Scale is how many players take the place of each on the tape. 1.
	Scale int
	// Prefix begins the ids of the players. One that nobody has used before.
	Prefix string
	// Stock of every product that the tape speaks of, which are put on sale before
	// with the prices on the tape. 0: none are; 1,000,000 on a node of one's own.
	Stock int64
	// Balance is what every player is given of every currency on the tape. 0:
	// nothing; on a node of one's own they have plenty.
	Balance int64
	// Workers is the number of processes that send. 0: as many as the peak on the
	// tape needs, up to the machine's cores.
	Workers int
	// Patience is how long an answer is waited for. 15 s.
	Patience time.Duration
	// Settle bounds the wait for the books to settle afterwards. 10 s.
	Settle time.Duration
	// Seed spreads the players that take the place of one. 1.
	Seed uint64

	// Build is the program's version, for the report.
	Build string
	// Executable starts workers and the node, before their arguments. Empty: this
	// program.
	Executable []string
	// Progress is told how the replay goes. nil: nobody.
	Progress Progress
}

func (c Config) withDefaults() Config {
	setDefault(&c.Speed, 1)
	setDefault(&c.Scale, 1)
	setDefault(&c.Patience, 15*time.Second)
	setDefault(&c.Settle, 10*time.Second)
	setDefault(&c.Seed, 1)
	if c.Prefix == "" {
		c.Prefix = "replay-" + uuid.NewString()[:8] + "-"
	}
	if c.Target.URL == "" {
		setDefault(&c.Stock, ownStock)
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

const (
	// ownStock and ownBalance are for a node of one's own: not to run out.
	ownStock   = 1_000_000
	ownBalance = 1 << 40

	maxScale   = 100_000
	maxWorkers = 256
	maxSpeed   = 1e6
)

// Validate says which field cannot work, defaults applied.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Tape == "":
		return errors.New("Tape: missing")
	case !(c.Speed > 0 && c.Speed <= maxSpeed):
		return fmt.Errorf("Speed: %g is not in 0 to %s", c.Speed, figures.Thousands(maxSpeed))
	case c.Scale < 1 || c.Scale > maxScale:
		return fmt.Errorf("Scale: %d is not in 1 to %s", c.Scale, figures.Thousands(maxScale))
	case c.Stock < 0:
		return fmt.Errorf("Stock: %d is negative", c.Stock)
	case c.Balance < 0:
		return fmt.Errorf("Balance: %d is negative", c.Balance)
	case c.Workers < 0 || c.Workers > maxWorkers:
		return fmt.Errorf("Workers: %d is not in 0 to %d", c.Workers, maxWorkers)
	case c.Patience < 0:
		return fmt.Errorf("Patience: %s is negative", c.Patience)
	case c.Settle < 0:
		return fmt.Errorf("Settle: %s is negative", c.Settle)
	}
	if c.Target.URL != "" {
		if _, err := endpoints(c.Target); err != nil {
			return err
		}
	}
	return c.Target.Validate("read the books")
}

// workersFor is the number of processes, with so many cores, for a replay that at
// its peaks sends so many requests a second, is shown so many frames, and has so
// many connections open.
func (c *Config) workersFor(peak, shown float64, open, cores int) int {
	if c.Workers > 0 {
		return c.Workers
	}
	rate := workerRate
	if strings.Contains(c.Target.URL, "wss:") {
		rate = workerRateTLS
	}
	need := int(peak/rate+shown/workerShown) + 1
	if c.Unpaced {
		need = cores / 2
	}
	// Connections need descriptors, however many cores there are.
	return min(max(min(need, cores), 1+(open-1)/maxOpen(), 1), maxWorkers)
}

const (
	// workerRate is the requests a second that one worker sends in time, with room
	// for a peak within the peak, and workerRateTLS the same over TLS.
	workerRate    = 20_000.
	workerRateTLS = 15_000.
	// workerShown is the frames a second that one worker takes and lets go.
	workerShown = 100_000.
)
