package cluster

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// DefaultShards is the number of shards of a cluster that is created without
// being told another.
const DefaultShards = 64

// MaxShards keeps one range read of all shards well below etcd's limits.
const MaxShards = 4096

// Config is what all processes of a cluster share. The zero value of a field
// means its default.
type Config struct {
	// Prefix of every key. Default "/holdfast".
	Prefix string

	// Shards is the number of shards, fixed when the cluster is created. 0 is
	// whatever the cluster has, and DefaultShards for a new one.
	Shards int

	// Existing: the cluster must be there. Otherwise it is created when it is not.
	Existing bool

	// TTL of a member's lease, in whole seconds: how long a dead node's shards
	// stay without an owner. Default 3 s. etcd raises it to its own minimum,
	// 2 s with its default settings.
	TTL time.Duration

	// Margin is how long before the lease can run out a member takes it for
	// lost. It pays for clocks that run at different speeds, and for the time
	// between a look at the deadline and the answer's way out. Default TTL/6.
	Margin time.Duration

	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Prefix == "" {
		c.Prefix = "/holdfast"
	}
	if c.TTL == 0 {
		c.TTL = 3 * time.Second
	}
	if c.Margin == 0 {
		c.Margin = c.TTL / 6
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Validate says which field cannot work, and why.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case !strings.HasPrefix(c.Prefix, "/") || strings.HasSuffix(c.Prefix, "/"):
		return fmt.Errorf("cluster config: Prefix: %q, must begin with a slash and not end with one", c.Prefix)
	case c.Shards < 0 || c.Shards > MaxShards:
		return fmt.Errorf("cluster config: Shards: %d, must be 0 to %d", c.Shards, MaxShards)
	case c.TTL < time.Second || c.TTL%time.Second != 0:
		return fmt.Errorf("cluster config: TTL: %v, must be whole seconds, 1 or more", c.TTL)
	case c.Margin < 0 || c.Margin > c.TTL/2:
		return fmt.Errorf("cluster config: Margin: %v, must be between 0 and half of TTL (%v)", c.Margin, c.TTL)
	}
	return nil
}
