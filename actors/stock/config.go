package stock

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

	// HoldAsk is the age at which a hold makes the slice ask the player. It must
	// be longer than a failover, or purchases that a retry would have finished
	// are declined. Default 10 s.
	HoldAsk time.Duration
	// Resend is the pause before a question or a transfer is sent again.
	// Default 1 s.
	Resend time.Duration
	// LevelEvery is the pause between two broadcasts of a slice's level.
	// Reaching zero is told at once. Default 200 ms.
	LevelEvery time.Duration
	// BorrowEvery is the pause between two questions for units. Default 20 ms.
	BorrowEvery time.Duration
	// DryFor is how long a sibling that had nothing to lend is left alone.
	// Default 1 s.
	DryFor time.Duration
	// LendMin is the smallest transfer worth its while. The last units of a
	// slice stay where they are. Default 8.
	LendMin int64
	// Restocks limits the table of operators' ids.
	Restocks requests.IDLimits
}

// withDefaults returns c with its zero fields set.
func (c Config) withDefaults() Config {
	def := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	def(&c.HoldAsk, 10*time.Second)
	def(&c.Resend, time.Second)
	def(&c.LevelEvery, 200*time.Millisecond)
	def(&c.BorrowEvery, 20*time.Millisecond)
	def(&c.DryFor, time.Second)
	if c.LendMin == 0 {
		c.LendMin = 8
	}
	c.Restocks = c.Restocks.WithDefaults()
	return c
}

// Validate says which field cannot work, and why.
func (c Config) Validate() error {
	if c.Catalog == nil {
		return errors.New("stock config: Catalog: must be set")
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"HoldAsk", c.HoldAsk}, {"Resend", c.Resend}, {"LevelEvery", c.LevelEvery},
		{"BorrowEvery", c.BorrowEvery}, {"DryFor", c.DryFor},
	} {
		if d.value < 0 {
			return fmt.Errorf("stock config: %s: %s, must not be negative", d.name, d.value)
		}
	}
	if c.LendMin < 0 {
		return fmt.Errorf("stock config: LendMin: %d, must not be negative", c.LendMin)
	}
	if err := c.Restocks.Validate(); err != nil {
		return fmt.Errorf("stock config: Restocks: %w", err)
	}
	return nil
}
