package player

import (
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/requests"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Catalog says what a product is. It is asked often and from several
// goroutines, and must answer from memory.
type Catalog interface {
	Product(sku actors.SKU) (*clusterv1.Product, bool)
}

// Config is what the kind can be told. The zero value of a field means its
// default.
type Config struct {
	// Catalog is required.
	Catalog Catalog

	// Start is what a new player's wallet holds, by currency, in the currency's
	// smallest unit. It is journaled with the player's first event; changing it
	// changes only players who have none.
	Start map[string]int64

	// Orders bounds the table of orders. Default 128, so that a client may have
	// its 64 requests in flight arrive in any order.
	Orders int
	// ConfirmAfter is the age at which a completed order is confirmed to its
	// slice if no later purchase has taken that along. Default 500 ms.
	ConfirmAfter time.Duration
	// Resend is the pause before a slice that has not answered is asked again.
	// Default 1 s.
	Resend time.Duration
	// Rounds bounds how often all slices of a product are asked, if they are
	// empty but lend each other units meanwhile. Default 5.
	Rounds int
	// RoundPause is the pause between two of those. Default 50 ms.
	RoundPause time.Duration
	// Grants limits the table of operators' ids. Its default Capacity is 256.
	Grants requests.IDLimits
}

// withDefaults returns c with its zero fields set.
func (c Config) withDefaults() Config {
	def := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	def(&c.ConfirmAfter, 500*time.Millisecond)
	def(&c.Resend, time.Second)
	def(&c.RoundPause, 50*time.Millisecond)
	if c.Orders == 0 {
		c.Orders = 128
	}
	if c.Rounds == 0 {
		c.Rounds = 5
	}
	if c.Grants.Capacity == 0 {
		c.Grants.Capacity = 256
	}
	c.Grants = c.Grants.WithDefaults()
	return c
}

// Validate says which field cannot work, and why.
func (c Config) Validate() error {
	if c.Catalog == nil {
		return errors.New("player config: Catalog: must be set")
	}
	for currency, amount := range c.Start {
		if currency == "" || len(currency) > maxName || amount < 0 {
			return fmt.Errorf("player config: Start: %d of %q: the currency must have 1 to %d bytes, the amount not be negative", amount, currency, maxName)
		}
	}
	switch {
	case c.Orders < 0:
		return fmt.Errorf("player config: Orders: %d, must not be negative", c.Orders)
	case c.ConfirmAfter < 0:
		return fmt.Errorf("player config: ConfirmAfter: %s, must not be negative", c.ConfirmAfter)
	case c.Resend < 0:
		return fmt.Errorf("player config: Resend: %s, must not be negative", c.Resend)
	case c.Rounds < 0:
		return fmt.Errorf("player config: Rounds: %d, must not be negative", c.Rounds)
	case c.RoundPause < 0:
		return fmt.Errorf("player config: RoundPause: %s, must not be negative", c.RoundPause)
	}
	if err := c.Grants.Validate(); err != nil {
		return fmt.Errorf("player config: Grants: %w", err)
	}
	return nil
}
