package bench

import (
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-game/holdfast/bench/chaos/history"
	"github.com/holdfast-game/holdfast/bench/launch"
)

// SaleConfig says what sale to hold. The zero value of a field is its default.
type SaleConfig struct {
	// URL is the WebSocket address of a gateway, or of several, separated by
	// commas, over which the players are spread. Without it a node of its own
	// is started. With it Admin, AdminToken and Secret are needed.
	URL string
	// Admin is the base URL of an admin listener, AdminToken its bearer token.
	Admin, AdminToken string
	// Secret is the HS256 secret that the cluster's player tokens are signed
	// with.
	Secret string
	// CA has certificates, in PEM, of authorities to trust besides the system's, for
	// wss:// and https://.
	CA string

	// Players is the number of players, each with a connection. 512.
	Players int
	// Duration of the load; 0 for none when Attempts or UntilSoldOut bounds it,
	// else 5 s.
	Duration time.Duration
	// Attempts is the number of purchases tried, over all players. 0: no bound.
	// Closed loop only.
	Attempts int64
	// UntilSoldOut ends the load when everything was sold. Closed loop only.
	UntilSoldOut bool
	// Rate is the purchases a second of an open loop. 0: closed loop.
	Rate float64
	// Outstanding bounds a player's unanswered purchases in open loop. 8.
	Outstanding int

	// SKUs is the number of products, which players choose from at random. 1.
	SKUs int
	// Stock is the units of each product. 1,000,000.
	Stock int64
	// Slices of each product's stock. 0: as the cluster chooses.
	Slices int
	// Quantity of one purchase. 1.
	Quantity int64

	// Patience bounds finding out what became of one purchase. 15 s.
	Patience time.Duration
	// Settle bounds the wait for the books to settle after the load. 10 s.
	Settle time.Duration
	// Seed of the players' choices. 1.
	Seed uint64

	// History records what was asked and answered, and is for the caller to close.
	// nil: nothing is recorded.
	History *history.Recorder
	// Repeat is the share of answered purchases that are sent once more under the
	// same number, 0 to 1: the history shows whether they are answered alike. 0.
	Repeat float64
	// Reads is how often a second players are asked what is in their wallets, for
	// the history, over connections of their own. 0.
	Reads float64

	// Record has the report tell what happened second by second, and what the
	// nodes used meanwhile.
	Record bool

	// Tape is the folder for a tape of what the gateway of a node of one's own saw.
	// Empty: nothing is taped.
	Tape string

	// Executable starts a node of one's own, before the arguments of serve.
	// Empty: this program.
	Executable []string
	// Progress is told how the run goes. nil: nobody.
	Progress Progress
}

func (c SaleConfig) withDefaults() SaleConfig {
	setDefault(&c.Players, 512)
	if c.Attempts == 0 && !c.UntilSoldOut {
		setDefault(&c.Duration, 5*time.Second)
	}
	setDefault(&c.Outstanding, 8)
	setDefault(&c.SKUs, 1)
	setDefault(&c.Stock, 1_000_000)
	setDefault(&c.Quantity, 1)
	setDefault(&c.Patience, 15*time.Second)
	setDefault(&c.Settle, 10*time.Second)
	setDefault(&c.Seed, 1)
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Bounds of a sale: past them it is the generator that gives in.
const (
	maxPlayers  = 100_000
	maxSKUs     = 10_000
	maxQuantity = 1_000
	maxReads    = 10_000
)

// Validate says which field cannot work, defaults applied.
func (c SaleConfig) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Players < 1 || c.Players > maxPlayers:
		return fmt.Errorf("Players: %d is not in 1 to %d", c.Players, maxPlayers)
	case c.Duration < 0:
		return fmt.Errorf("Duration: %s is negative", c.Duration)
	case c.Attempts < 0:
		return fmt.Errorf("Attempts: %d is negative", c.Attempts)
	case c.Rate < 0:
		return fmt.Errorf("Rate: %g is negative", c.Rate)
	case c.Rate > 0 && (c.Attempts > 0 || c.UntilSoldOut):
		return errors.New("Rate: an open loop ends by Duration, not by Attempts or UntilSoldOut")
	case c.Outstanding < 1:
		return fmt.Errorf("Outstanding: %d is less than 1", c.Outstanding)
	case c.SKUs < 1 || c.SKUs > maxSKUs:
		return fmt.Errorf("SKUs: %d is not in 1 to %d", c.SKUs, maxSKUs)
	case c.Stock < 1:
		return fmt.Errorf("Stock: %d is less than 1", c.Stock)
	case c.Slices < 0:
		return fmt.Errorf("Slices: %d is negative", c.Slices)
	case c.Quantity < 1 || c.Quantity > maxQuantity:
		return fmt.Errorf("Quantity: %d is not in 1 to %d", c.Quantity, maxQuantity)
	case c.Patience < 0:
		return fmt.Errorf("Patience: %s is negative", c.Patience)
	case c.Settle < 0:
		return fmt.Errorf("Settle: %s is negative", c.Settle)
	case c.Repeat < 0 || c.Repeat > 1:
		return fmt.Errorf("Repeat: %g is not in 0 to 1", c.Repeat)
	case c.Reads < 0 || c.Reads > maxReads:
		return fmt.Errorf("Reads: %g is not in 0 to %d", c.Reads, maxReads)
	case c.History == nil && (c.Repeat > 0 || c.Reads > 0):
		return errors.New("History: missing, although Repeat or Reads is for it")
	case c.Tape != "" && c.URL != "":
		return errors.New("Tape: the nodes of a cluster record when they are told to, see holdfast ctl record")
	}
	return c.cluster().Validate("put products on sale and to read the books")
}

// cluster is the one that others have started.
func (c SaleConfig) cluster() launch.Target {
	return launch.Target{URL: c.URL, Admin: c.Admin, AdminToken: c.AdminToken, Secret: c.Secret, CA: c.CA}
}

// EchoConfig says how to measure the machine's ceiling. The zero value of a
// field is its default.
type EchoConfig struct {
	// Connections, each with one request in flight. 512.
	Connections int
	// Duration of the load. 5 s.
	Duration time.Duration
	// Executable starts the echo server, before its arguments. Empty: this
	// program.
	Executable []string
	// Progress is told how the run goes. nil: nobody.
	Progress Progress
}

func (c EchoConfig) withDefaults() EchoConfig {
	setDefault(&c.Connections, 512)
	setDefault(&c.Duration, 5*time.Second)
	return c
}

// Validate says which field cannot work, defaults applied.
func (c EchoConfig) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Connections < 1 || c.Connections > maxPlayers:
		return fmt.Errorf("Connections: %d is not in 1 to %d", c.Connections, maxPlayers)
	case c.Duration < 0:
		return fmt.Errorf("Duration: %s is negative", c.Duration)
	}
	return nil
}
