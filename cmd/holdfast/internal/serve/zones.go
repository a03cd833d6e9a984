package serve

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"connectrpc.com/connect"

	"github.com/holdfast-game/holdfast/cluster"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// readZones reads a file of zones, by name:
//
//	plaza:
//	  width: 60
//	  height: 40
//	  bots: 20
//	  mood: wander
//
// The fields are those of proto/client/v1's Zone, and bots and mood, which is
// wander, brawl or idle. What is left out is filled in.
func readZones(path string) ([]*clusterv1.ZoneSpec, error) {
	return readEntries("zones", path, readZone)
}

func readZone(name string, fields map[string]any) (*clusterv1.ZoneSpec, error) {
	if _, given := fields["name"]; given {
		return nil, errors.New("name: is the entry's name, not a field")
	}
	spec, rest := &clusterv1.ZoneSpec{Zone: new(clientv1.Zone)}, maps.Clone(fields)
	if bots, given := rest["bots"]; given {
		delete(rest, "bots")
		if err := fill(spec, map[string]any{"bots": bots}); err != nil {
			return nil, err
		}
	}
	if word, given := rest["mood"]; given {
		delete(rest, "mood")
		mood, known := clusterv1.BotMood_value["BOT_MOOD_"+strings.ToUpper(fmt.Sprint(word))]
		if !known {
			return nil, fmt.Errorf("mood: %v, must be wander, brawl or idle", word)
		}
		spec.Mood = clusterv1.BotMood(mood)
	}
	if err := fill(spec.GetZone(), rest); err != nil {
		return nil, err
	}
	spec.GetZone().Name = name
	return cluster.FillZone(spec)
}

// openZones opens those zones that the cluster does not have. What it has may
// have been changed by operators since, and stays as it is; but if it does not
// run, because whoever made it was cut short, it does now.
func (n *node) openZones(ctx context.Context, specs []*clusterv1.ZoneSpec) {
	for _, spec := range specs {
		var err error
		if old, ok := n.backends.view.Zones().Get(spec.GetZone().GetName()); ok {
			err = n.adminService.RunZone(ctx, old)
		} else {
			_, err = n.adminService.PutZone(ctx, connect.NewRequest(&adminv1.PutZoneRequest{Spec: spec}))
		}
		if err != nil && ctx.Err() == nil {
			n.logger.Error("a zone is not open as it should be", "zone", spec.GetZone().GetName(), "err", err)
		}
	}
}
