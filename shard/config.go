package shard

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/holdfast-game/holdfast/actors"
)

// Config is what a Node can be told. The zero value of a field means its
// default.
type Config struct {
	// Kinds are the kinds of actors that this node can host. Required.
	Kinds *actors.Registry

	// Replicas of logs and checkpoints in JetStream: 1 (default) or 3. With 1,
	// losing the disk loses the data.
	Replicas int

	// LiveActors bounds how many actors the node keeps decoded. The least
	// recently used others are kept as encoded bytes. Default 50,000.
	LiveActors int

	// CheckpointEvery is the time between two checkpoints of one shard.
	// Default 10 s: what stands in the log since is what a takeover has to read, on a
	// machine that has a dead node's players to serve besides.
	CheckpointEvery time.Duration
	// CheckpointBytes of log bring the next checkpoint forward. Default 32 MiB.
	CheckpointBytes int64

	// RetainLogs keeps every entry of every log, and the logs of incarnations that
	// are gone. It is for tests that read the whole history afterwards; every
	// node must be told.
	RetainLogs bool

	// MaxQueued bounds the messages that wait in one shard's mailbox. Beyond it
	// client commands are answered OVERLOADED; beyond twice of it messages
	// between actors are dropped too, to be sent again by their senders.
	// Default 8,192.
	MaxQueued int
	// MaxBacklog bounds the records that wait for the log. Beyond it client
	// commands are answered OVERLOADED. Default 32,768, half of what the log's
	// buffer holds: the other half is headroom for work already accepted.
	MaxBacklog int

	Logger  *slog.Logger
	Metrics *Metrics

	// Those are the constants, but for tests.
	preparePatience, freezePatience, commitPatience time.Duration
	// ballastPiece as well.
	ballastPiece int
}

// withDefaults returns c with its zero fields set.
func (c Config) withDefaults() Config {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&c.Replicas, 1)
	def(&c.LiveActors, 50_000)
	def(&c.MaxQueued, 8192)
	def(&c.MaxBacklog, 32_768)
	def(&c.ballastPiece, ballastPiece)
	if c.CheckpointEvery == 0 {
		c.CheckpointEvery = 10 * time.Second
	}
	if c.CheckpointBytes == 0 {
		c.CheckpointBytes = 32 << 20
	}
	if c.preparePatience == 0 {
		c.preparePatience, c.freezePatience, c.commitPatience = preparePatience, freezePatience, commitPatience
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = NewMetrics(nil)
	}
	return c
}

// Validate says which field cannot work, and why.
func (c Config) Validate() error {
	switch {
	case c.Kinds == nil || len(c.Kinds.Names()) == 0:
		return errors.New("shard config: Kinds: no kind of actor is registered")
	case c.Replicas != 0 && c.Replicas != 1 && c.Replicas != 3 && c.Replicas != 5:
		return fmt.Errorf("shard config: Replicas: %d, must be 1, 3 or 5", c.Replicas)
	case c.LiveActors < 0:
		return fmt.Errorf("shard config: LiveActors: %d, must not be negative", c.LiveActors)
	case c.CheckpointEvery < 0:
		return fmt.Errorf("shard config: CheckpointEvery: %s, must not be negative", c.CheckpointEvery)
	case c.CheckpointBytes < 0:
		return fmt.Errorf("shard config: CheckpointBytes: %d, must not be negative", c.CheckpointBytes)
	case c.MaxQueued < 0 || c.MaxBacklog < 0:
		return fmt.Errorf("shard config: MaxQueued %d, MaxBacklog %d: must not be negative", c.MaxQueued, c.MaxBacklog)
	}
	return nil
}
