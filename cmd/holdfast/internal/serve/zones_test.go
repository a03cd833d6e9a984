package serve

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

func TestReadZones(t *testing.T) {
	zones, err := readZones(yamlFile(t, "zones.yaml", `
plaza:
  width: 60
  height: 40
  cell: 10
  hz: 30
  max_speed: 2.5
  max_players: 50
  bots: 20
  mood: brawl
moor: {width: 1000, height: 900}
7: {width: 1, height: 1}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []*clusterv1.ZoneSpec{
		{Zone: &clientv1.Zone{Name: "7", Width: 1, Height: 1, Hz: 20, MaxSpeed: 6, MaxPlayers: 1000}, Mood: clusterv1.BotMood_BOT_MOOD_WANDER},
		{Zone: &clientv1.Zone{Name: "moor", Width: 1000, Height: 900, Hz: 20, MaxSpeed: 6, MaxPlayers: 1000}, Mood: clusterv1.BotMood_BOT_MOOD_WANDER},
		{Zone: &clientv1.Zone{Name: "plaza", Width: 60, Height: 40, Cell: 10, Hz: 30, MaxSpeed: 2.5, MaxPlayers: 50}, Bots: 20, Mood: clusterv1.BotMood_BOT_MOOD_BRAWL},
	}
	if len(zones) != len(want) {
		t.Fatalf("%d zones, want %d", len(zones), len(want))
	}
	for i := range zones {
		if !proto.Equal(zones[i], want[i]) {
			t.Errorf("zone %d: %v, want %v", i, zones[i], want[i])
		}
	}
}

func TestReadZonesRefuses(t *testing.T) {
	for yaml, want := range map[string]string{
		"plaza: 5":                                  "map of fields",
		"plaza: {width: 60}":                        "height",
		"plaza: {width: wide, height: 4}":           "width",
		"plaza: {width: -1, height: 4}":             "width",
		"plaza: {width: 4, height: 4, depth: 4}":    "depth",
		"plaza: {width: 4, height: 4, name: moor}":  "name",
		"plaza: {width: 4, height: 4, bots: some}":  "bots",
		"plaza: {width: 4, height: 4, bots: 99999}": "bots",
		"plaza: {width: 4, height: 4, mood: sad}":   "mood",
		"plaza: {width: 4, height: 4, mood: 1}":     "mood",
		"plaza: {width: 4, height: 4, hz: 100}":     "hz",
		"Plaza: {width: 4, height: 4}":              "Plaza",
		"- plaza":                                   "zones.yaml",
	} {
		_, err := readZones(yamlFile(t, "zones.yaml", yaml))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "zones.yaml") {
			t.Errorf("%s: error %v does not name the file and %q", yaml, err, want)
		}
	}
}
