package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/holdfast-game/holdfast/cluster"
)

// Config is what a Log can be told. The zero value of a field means its
// default, where one is named.
type Config struct {
	// Cluster is the cluster's id; List finds logs by it. Required.
	Cluster string
	// Name is also the name of the stream. Required.
	Name cluster.LogName
	// Incarnation is the log's only writer, at most 255 bytes. Required.
	Incarnation cluster.Incarnation

	// Replicas of the stream: 1 (default), 3 or 5.
	Replicas int

	// AckTimeout is how long an entry may go unacknowledged before it is sent
	// again, and how long a read may take. Default 500 ms.
	AckTimeout time.Duration

	// InFlight is how many entries may be unacknowledged at once. Default 2: one
	// is written while the other travels. More gains throughput and costs
	// latency, for then entries are cut smaller than they need to be.
	InFlight int

	// MaxEntryBytes bounds an entry. Default 512 KiB; NATS takes 1 MiB at most
	// unless configured otherwise.
	MaxEntryBytes int

	// MaxRecords is how many records may wait to become durable before the
	// caller should have stopped taking new work; see Backlog. Append still
	// takes as many again, so that work already accepted can be finished, and
	// then returns ErrFull. Default 65,536: about a second of what a node can
	// write, and 128 MiB of memory at the very most.
	MaxRecords int

	// OnDurable is called from the committer's goroutine for each entry that has
	// become durable, in order. It must be quick and must not wait for the log:
	// what is in flight goes on, but nothing new is committed while it runs. May
	// be nil.
	OnDurable func(Stamp)

	// OnFull is called from the committer's goroutine each time that the server
	// refuses an entry because the store is full. It must be quick. May be nil.
	OnFull func()

	Logger  *slog.Logger
	Metrics *Metrics

	// outgoing may change what the committer sends, or return false to lose it.
	// It is called from the committer's goroutine. For tests.
	outgoing func(*nats.Msg) bool
}

// Bounds of what can be configured.
const (
	minEntryBytes = 4 << 10
	maxEntryBytes = 1<<20 - 4<<10 // leaves room for headers in NATS' 1 MiB
	maxInFlight   = 64

	defaultInFlight = 2
)

// validToken is what can be part of a subject and the name of a stream.
var validToken = regexp.MustCompile(`^[A-Za-z0-9_-]{1,200}$`)

// withDefaults returns c with its zero fields set.
func (c Config) withDefaults() Config {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&c.Replicas, 1)
	def(&c.InFlight, defaultInFlight)
	def(&c.MaxEntryBytes, 512<<10)
	def(&c.MaxRecords, 65_536)
	if c.AckTimeout == 0 {
		c.AckTimeout = 500 * time.Millisecond
	}
	if c.OnDurable == nil {
		c.OnDurable = func(Stamp) {}
	}
	if c.OnFull == nil {
		c.OnFull = func() {}
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
	case !validToken.MatchString(c.Cluster):
		return fmt.Errorf("journal config: Cluster: %q must match %s", c.Cluster, validToken)
	case !validToken.MatchString(string(c.Name)):
		return fmt.Errorf("journal config: Name: %q must match %s", c.Name, validToken)
	case c.Incarnation == "" || len(c.Incarnation) > maxIncarnation:
		return fmt.Errorf("journal config: Incarnation: %d bytes, must be 1 to %d", len(c.Incarnation), maxIncarnation)
	case c.Replicas != 0 && c.Replicas != 1 && c.Replicas != 3 && c.Replicas != 5:
		return fmt.Errorf("journal config: Replicas: %d, must be 1, 3 or 5", c.Replicas)
	case c.AckTimeout < 0:
		return errors.New("journal config: AckTimeout: must not be negative")
	case c.InFlight < 0 || c.InFlight > maxInFlight:
		return fmt.Errorf("journal config: InFlight: %d, must be 1 to %d", c.InFlight, maxInFlight)
	case c.MaxEntryBytes != 0 && (c.MaxEntryBytes < minEntryBytes || c.MaxEntryBytes > maxEntryBytes):
		return fmt.Errorf("journal config: MaxEntryBytes: %d, must be %d to %d", c.MaxEntryBytes, minEntryBytes, maxEntryBytes)
	case c.MaxRecords < 0:
		return errors.New("journal config: MaxRecords: must not be negative")
	}
	return nil
}
