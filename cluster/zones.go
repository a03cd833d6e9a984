package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"

	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// What a zone can be. The zone's actor holds the same limits.
const (
	maxZoneSide     = 10_000 // units
	minZoneCell     = 5      // units
	maxZoneCells    = 4096
	maxZoneHz       = 60
	maxZoneSpeed    = 100 // units per second
	maxZoneEntities = 4000
)

// What a zone is when it was not said.
const (
	usualZoneHz      = 20
	usualZoneSpeed   = 6
	usualZonePlayers = 1000
)

// zoneName keeps the names of zones fit for keys, subjects and channels.
var zoneName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// Zones are the zones there are, as of one revision. It is immutable, and so is
// what it returns.
type Zones struct {
	rev   int64
	specs named[*clusterv1.ZoneSpec]
	// shown are the zones as clients see them, in the order of specs.
	shown []*clientv1.Zone
}

// Get returns the zone of that name.
func (z *Zones) Get(name string) (*clusterv1.ZoneSpec, bool) {
	spec, ok := z.specs.byName[name]
	return spec, ok
}

// List returns all zones by name. The caller must not change the slice.
func (z *Zones) List() []*clusterv1.ZoneSpec { return z.specs.sorted }

// Shown returns all zones by name, as clients see them. The caller must not
// change the slice.
func (z *Zones) Shown() []*clientv1.Zone { return z.shown }

// Version grows with every change: the revision of etcd that made it.
func (z *Zones) Version() int64 { return z.rev }

func nameOfZone(spec *clusterv1.ZoneSpec) string { return spec.GetZone().GetName() }

func (z *Zones) apply(rev int64, cs []change, log *slog.Logger) *Zones {
	next := &Zones{rev: rev, specs: z.specs.apply(dirZones, nameOfZone, cs, log)}
	for _, spec := range next.specs.sorted {
		next.shown = append(next.shown, spec.GetZone())
	}
	return next
}

var (
	// ErrInvalidZone: there can be no such zone.
	ErrInvalidZone = errors.New("invalid zone")

	// ErrNoZone: there is no zone of that name.
	ErrNoZone = errors.New("no such zone")
)

// PutZone records a zone, or changes it, and returns it as FillZone does. To run
// it is for the zone's actor.
func (v *View) PutZone(ctx context.Context, spec *clusterv1.ZoneSpec) (*clusterv1.ZoneSpec, error) {
	spec, err := FillZone(spec)
	if err != nil {
		return nil, fmt.Errorf("put zone: %w", err)
	}
	name := nameOfZone(spec)
	err = put(ctx, v, "put zone "+name, v.keys.zone(name), spec, func(*clusterv1.ZoneSpec) error { return nil })
	if err != nil {
		return nil, err
	}
	return spec, nil
}

// DeleteZone forgets a zone: ErrNoZone if there is none.
func (v *View) DeleteZone(ctx context.Context, name string) error {
	if err := CheckZoneName(name); err != nil {
		return fmt.Errorf("delete zone: %w", err)
	}
	resp, err := v.client.Delete(ctx, v.keys.zone(name))
	if err != nil {
		return unavailable("delete zone "+name, err)
	}
	if resp.Deleted == 0 {
		return fmt.Errorf("delete zone %q: %w", name, ErrNoZone)
	}
	return nil
}

// FillZone returns a copy of spec with what was left out filled in: 20 ticks a
// second, 6 units a second, 1,000 players or as many as bots leave room for, bots
// that wander. Its errors are ErrInvalidZone.
func FillZone(spec *clusterv1.ZoneSpec) (*clusterv1.ZoneSpec, error) {
	out := proto.CloneOf(spec)
	if out == nil {
		out = new(clusterv1.ZoneSpec)
	}
	if out.GetZone() == nil {
		out.Zone = new(clientv1.Zone)
	}
	z := out.GetZone()
	if z.GetHz() == 0 {
		z.Hz = usualZoneHz
	}
	if z.GetMaxSpeed() == 0 {
		z.MaxSpeed = usualZoneSpeed
	}
	if z.GetMaxPlayers() == 0 {
		z.MaxPlayers = usualZonePlayers
		if bots := out.GetBots(); bots < maxZoneEntities {
			z.MaxPlayers = min(usualZonePlayers, maxZoneEntities-bots)
		}
	}
	if out.GetMood() == clusterv1.BotMood_BOT_MOOD_UNSPECIFIED {
		out.Mood = clusterv1.BotMood_BOT_MOOD_WANDER
	}
	if err := CheckZoneName(z.GetName()); err != nil {
		return nil, err
	}
	if err := validateZone(out); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalidZone, z.GetName(), err)
	}
	return out, nil
}

// CheckZoneName is nil for what can be the name of a zone, and otherwise an
// ErrInvalidZone.
func CheckZoneName(name string) error {
	if !zoneName.MatchString(name) {
		return fmt.Errorf("%w: name: %.40q, must be 1 to 32 lower-case letters, digits, dashes and underscores, beginning with a letter or digit", ErrInvalidZone, name)
	}
	return nil
}

func validateZone(spec *clusterv1.ZoneSpec) error {
	z := spec.GetZone()
	_, known := clusterv1.BotMood_name[int32(spec.GetMood())]
	switch {
	case z.GetWidth() == 0 || z.GetWidth() > maxZoneSide:
		return fmt.Errorf("width: %d, must be 1 to %d units", z.GetWidth(), maxZoneSide)
	case z.GetHeight() == 0 || z.GetHeight() > maxZoneSide:
		return fmt.Errorf("height: %d, must be 1 to %d units", z.GetHeight(), maxZoneSide)
	case z.GetCell() != 0 && (z.GetCell() < minZoneCell || z.GetCell() > maxZoneSide):
		return fmt.Errorf("cell: %d, must be 0 (one cell) or %d to %d units", z.GetCell(), minZoneCell, maxZoneSide)
	case zoneCells(z) > maxZoneCells:
		return fmt.Errorf("cell: %d makes %d cells, must be at most %d", z.GetCell(), zoneCells(z), maxZoneCells)
	case z.GetHz() == 0 || z.GetHz() > maxZoneHz:
		return fmt.Errorf("hz: %d, must be 1 to %d ticks a second", z.GetHz(), maxZoneHz)
	case !(z.GetMaxSpeed() > 0 && z.GetMaxSpeed() <= maxZoneSpeed): // NaN is neither
		return fmt.Errorf("max_speed: %g, must be above 0, and at most %d units a second", z.GetMaxSpeed(), maxZoneSpeed)
	case spec.GetBots() > maxZoneEntities:
		return fmt.Errorf("bots: %d, must be at most %d", spec.GetBots(), maxZoneEntities)
	case z.GetMaxPlayers() == 0 || z.GetMaxPlayers() > maxZoneEntities-spec.GetBots():
		return fmt.Errorf("max_players: %d, must be at least 1, and with %d bots at most %d in all", z.GetMaxPlayers(), spec.GetBots(), maxZoneEntities)
	case !known:
		return fmt.Errorf("mood: %d is not a mood", spec.GetMood())
	}
	return nil
}

// zoneCells is the number of interest cells that a zone is divided into.
func zoneCells(z *clientv1.Zone) uint32 {
	side := z.GetCell()
	if side == 0 {
		return 1
	}
	return ((z.GetWidth() + side - 1) / side) * ((z.GetHeight() + side - 1) / side)
}
