package zone

import (
	"errors"
	"fmt"

	"github.com/holdfast-game/holdfast/actors/chat"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// What a zone can be. Frames have 20 bits for a position in 1/100 unit, and a
// table of the codec holds 4,096 entities.
const (
	MaxSide     = 10_000 // units
	MinCell     = 5      // units
	MaxCells    = 4096
	MaxHz       = 60
	MaxSpeed    = 100 // units per second
	MaxEntities = 4000
)

// Validate says what is wrong with a zone that cannot be, by the field's name.
func Validate(spec *clusterv1.ZoneSpec) error {
	z := spec.GetZone()
	_, known := clusterv1.BotMood_name[int32(spec.GetMood())]
	switch {
	case z == nil:
		return errors.New("zone: must be set")
	case !chat.ValidName(z.GetName()):
		return fmt.Errorf("name: %.40q, must be 1 to 32 lower-case letters, digits, dashes and underscores, beginning with a letter or digit", z.GetName())
	case z.GetWidth() == 0 || z.GetWidth() > MaxSide:
		return fmt.Errorf("width: %d, must be 1 to %d units", z.GetWidth(), MaxSide)
	case z.GetHeight() == 0 || z.GetHeight() > MaxSide:
		return fmt.Errorf("height: %d, must be 1 to %d units", z.GetHeight(), MaxSide)
	case z.GetCell() != 0 && (z.GetCell() < MinCell || z.GetCell() > MaxSide):
		return fmt.Errorf("cell: %d, must be 0 (one cell) or %d to %d units", z.GetCell(), MinCell, MaxSide)
	case cells(z) > MaxCells:
		return fmt.Errorf("cell: %d makes %d cells, must be at most %d", z.GetCell(), cells(z), MaxCells)
	case z.GetHz() == 0 || z.GetHz() > MaxHz:
		return fmt.Errorf("hz: %d, must be 1 to %d ticks a second", z.GetHz(), MaxHz)
	case !(z.GetMaxSpeed() > 0 && z.GetMaxSpeed() <= MaxSpeed): // NaN is neither
		return fmt.Errorf("max_speed: %g, must be above 0, and at most %d units a second", z.GetMaxSpeed(), MaxSpeed)
	case spec.GetBots() > MaxEntities:
		return fmt.Errorf("bots: %d, must be at most %d", spec.GetBots(), MaxEntities)
	case z.GetMaxPlayers() == 0 || z.GetMaxPlayers() > MaxEntities-spec.GetBots():
		return fmt.Errorf("max_players: %d, must be at least 1, and with %d bots at most %d in all", z.GetMaxPlayers(), spec.GetBots(), MaxEntities)
	case !known:
		return fmt.Errorf("mood: %d is not a mood", spec.GetMood())
	}
	return nil
}

// columns is how many cells stand side by side along a length.
func columns(length, cell uint32) uint32 {
	if cell == 0 {
		return 1
	}
	return (length + cell - 1) / cell
}

// cells is how many interest cells a zone has.
func cells(z *clientv1.Zone) uint32 {
	return columns(z.GetWidth(), z.GetCell()) * columns(z.GetHeight(), z.GetCell())
}
