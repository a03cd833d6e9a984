package world

import (
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-game/holdfast/bench/launch"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Moods of entities.
var moods = map[string]clusterv1.BotMood{
	"crowd": clusterv1.BotMood_BOT_MOOD_WANDER,
	"brawl": clusterv1.BotMood_BOT_MOOD_BRAWL,
	"idle":  clusterv1.BotMood_BOT_MOOD_IDLE,
}

// Config says what world to show to whom. The zero value of a field is its
// default.
type Config struct {
	// URL is the WebSocket address of a gateway, or of several, separated by
	// commas, over which the viewers are spread. Without it a node of its own is
	// started. With it Admin, AdminToken and Secret are needed.
	URL string
	// Admin is the base URL of an admin listener, AdminToken its bearer token.
	Admin, AdminToken string
	// Secret is the HS256 secret that the cluster's player tokens are signed with.
	Secret string

	// Viewers, each with a connection. 1,000.
	Viewers int
	// Entities that move in the zone. 200.
	Entities int
	// Hz is the ticks per second. 20.
	Hz int
	// Duration of each measurement. 10 s.
	Duration time.Duration
	// Mood is what the entities do: crowd, brawl or idle. crowd.
	Mood string

	// Stalled is the share of viewers that stop reading, 0 to 0.5, in a second
	// measurement. 0: none.
	Stalled float64
	// FindMax looks for the largest number of viewers that gets every tick.
	FindMax bool
	// Baseline shows the same entities to as many viewers by a bare server
	// afterwards.
	Baseline bool

	// Executable starts a node of one's own and the bare server, before their
	// arguments. Empty: this program.
	Executable []string
	// Phase is told when another part of the run begins. nil: nobody is.
	Phase func(name string)

	pace pace
}

// pace is how long things may take.
type pace struct {
	// warmUp is between the last viewer's arrival and a measurement: what connecting
	// leaves behind is gone, and codecs have learnt how entities move.
	warmUp time.Duration
	// drain is how late a frame may be before it counts as lost.
	drain time.Duration
	// recovery is how long viewers who stalled may take to be up to date.
	recovery time.Duration
}

var defaultPace = pace{warmUp: 2 * time.Second, drain: time.Second, recovery: 3 * time.Second}

func (c Config) withDefaults() Config {
	setDefault(&c.Viewers, 1000)
	setDefault(&c.Entities, 200)
	setDefault(&c.Hz, 20)
	setDefault(&c.Duration, 10*time.Second)
	setDefault(&c.Mood, "crowd")
	setDefault(&c.pace, defaultPace)
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Bounds: those of zones, and of one machine that shows them to itself.
const (
	maxViewers  = 25_000 // there are some 28,000 ports to connect from
	maxEntities = 4_000
	maxHz       = 60
	maxDuration = 10 * time.Minute
	maxStalled  = 0.5
)

// Validate says which field cannot work, defaults applied.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch _, known := moods[c.Mood]; {
	case c.Viewers < 1 || c.Viewers > maxViewers:
		return fmt.Errorf("Viewers: %d is not in 1 to %d", c.Viewers, maxViewers)
	case c.Entities < 1 || c.Entities > maxEntities:
		return fmt.Errorf("Entities: %d is not in 1 to %d", c.Entities, maxEntities)
	case c.Hz < 1 || c.Hz > maxHz:
		return fmt.Errorf("Hz: %d is not in 1 to %d", c.Hz, maxHz)
	case c.Duration < 0 || c.Duration > maxDuration:
		return fmt.Errorf("Duration: %s is not in 0 to %s", c.Duration, maxDuration)
	case !known:
		return fmt.Errorf("Mood: %q is none of %s", c.Mood, strings.Join(slices.Sorted(maps.Keys(moods)), ", "))
	case !(c.Stalled >= 0 && c.Stalled <= maxStalled):
		return fmt.Errorf("Stalled: %g is not in 0 to %g", c.Stalled, maxStalled)
	}
	if err := c.cluster().Validate("make a zone"); err != nil {
		return err
	}
	return checkURLs(c.URL)
}

// checkURLs refuses what a socket cannot connect to.
func checkURLs(urls string) error {
	if urls == "" {
		return nil
	}
	for one := range strings.SplitSeq(urls, ",") {
		if u, err := url.Parse(strings.TrimSpace(one)); err != nil || u.Scheme != "ws" || u.Port() == "" {
			return fmt.Errorf("URL: %q is not like ws://127.0.0.1:8080/v1/ws: viewers connect without TLS", one)
		}
	}
	return nil
}

// cluster is the one that others have started.
func (c Config) cluster() launch.Target {
	return launch.Target{URL: c.URL, Admin: c.Admin, AdminToken: c.AdminToken, Secret: c.Secret}
}

func (c Config) phase(format string, args ...any) {
	if c.Phase != nil {
		c.Phase(fmt.Sprintf(format, args...))
	}
}

// narrow tells whether viewer i is one that will stall: evenly spread.
func (c Config) narrow(i int) bool {
	return int(float64(i+1)*c.Stalled) > int(float64(i)*c.Stalled)
}

// walkSpeed is as fast as entities go, in units per second.
const walkSpeed = 6

// side is that of a square zone in which entities have as much room as 200 have
// in one of 100 by 100 units.
func side(entities int) uint32 { return uint32(math.Ceil(100 * math.Sqrt(float64(entities)/200))) }

// spec is that of a zone which is one interest cell.
func spec(entities, hz int, mood string) *clusterv1.ZoneSpec {
	return &clusterv1.ZoneSpec{
		Zone: &clientv1.Zone{
			Width: side(entities), Height: side(entities), Hz: uint32(hz), MaxSpeed: walkSpeed,
			MaxPlayers: 1, // nobody but bots is in it, all others look on
		},
		Bots: uint32(entities), Mood: moods[mood],
	}
}
