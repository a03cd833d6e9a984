package cluster_test

import (
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/clustertest"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

func zoneOf(name string, width, height uint32) *clusterv1.ZoneSpec {
	return &clusterv1.ZoneSpec{Zone: &clientv1.Zone{Name: name, Width: width, Height: height}}
}

func TestZones(t *testing.T) {
	e := clustertest.Start(t)
	v := e.View(cluster.Config{})
	given := zoneOf("plaza", 60, 40)
	plaza, err := v.PutZone(t.Context(), given)
	if err != nil {
		t.Fatal(err)
	}
	want := &clusterv1.ZoneSpec{
		Zone: &clientv1.Zone{Name: "plaza", Width: 60, Height: 40, Hz: 20, MaxSpeed: 6, MaxPlayers: 1000},
		Mood: clusterv1.BotMood_BOT_MOOD_WANDER,
	}
	if !proto.Equal(plaza, want) {
		t.Errorf("put: got %v, want %v", plaza, want)
	}
	if !proto.Equal(given, zoneOf("plaza", 60, 40)) {
		t.Errorf("what was given became %v", given)
	}
	for _, name := range []string{"moor", "arena"} {
		if _, err := v.PutZone(t.Context(), zoneOf(name, 100, 100)); err != nil {
			t.Fatal(err)
		}
	}
	wider := zoneOf("plaza", 80, 40)
	wider.Bots = 3500
	if _, err := v.PutZone(t.Context(), wider); err != nil {
		t.Fatal(err)
	}
	if err := v.DeleteZone(t.Context(), "moor"); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "delete again", v.DeleteZone(t.Context(), "moor"), cluster.ErrNoZone)
	wantErr(t, "delete what cannot be", v.DeleteZone(t.Context(), "../owners/1"), cluster.ErrInvalidZone)

	// One has watched it all, the other lists what is left.
	for _, v := range []*cluster.View{v, e.View(cluster.Config{})} {
		until(t, "the zones", v.NodesChanged, func() bool {
			z, ok := v.Zones().Get("plaza")
			_, gone := v.Zones().Get("moor")
			return ok && z.GetZone().GetWidth() == 80 && !gone
		})
		z := v.Zones()
		if list := z.List(); len(list) != 2 || list[0].GetZone().GetName() != "arena" || list[1].GetBots() != 3500 {
			t.Errorf("list: got %v", list)
		}
		if shown := z.Shown(); len(shown) != 2 || shown[0].GetName() != "arena" || shown[1].GetMaxPlayers() != 500 {
			t.Errorf("shown: got %v", shown)
		}
	}
}

func TestZonesKeepTheirSnapshot(t *testing.T) {
	v := clustertest.Start(t).View(cluster.Config{})
	before := v.Zones()
	if _, err := v.PutZone(t.Context(), zoneOf("plaza", 60, 40)); err != nil {
		t.Fatal(err)
	}
	until(t, "the zone", v.NodesChanged, func() bool { return len(v.Zones().List()) == 1 })
	if len(before.List()) != 0 || before.Version() >= v.Zones().Version() {
		t.Errorf("before: %v at %d; after: %d", before.List(), before.Version(), v.Zones().Version())
	}
}

func TestPutZoneRefuses(t *testing.T) {
	v := clustertest.Start(t).View(cluster.Config{})
	for field, cases := range map[string]map[string]func(s *clusterv1.ZoneSpec){
		"name": {
			"none":             func(s *clusterv1.ZoneSpec) { s.Zone.Name = "" },
			"upper case":       func(s *clusterv1.ZoneSpec) { s.Zone.Name = "Plaza" },
			"slash":            func(s *clusterv1.ZoneSpec) { s.Zone.Name = "a/b" },
			"dot":              func(s *clusterv1.ZoneSpec) { s.Zone.Name = "a.b" },
			"begins with dash": func(s *clusterv1.ZoneSpec) { s.Zone.Name = "-a" },
			"line end":         func(s *clusterv1.ZoneSpec) { s.Zone.Name = "a\n" },
			"not UTF-8":        func(s *clusterv1.ZoneSpec) { s.Zone.Name = "a\xff" },
			"long":             func(s *clusterv1.ZoneSpec) { s.Zone.Name = strings.Repeat("a", 33) },
			"no zone":          func(s *clusterv1.ZoneSpec) { s.Zone = nil },
		},
		"width": {
			"none": func(s *clusterv1.ZoneSpec) { s.Zone.Width = 0 },
			"wide": func(s *clusterv1.ZoneSpec) { s.Zone.Width = 10_001 },
		},
		"height": {
			"none": func(s *clusterv1.ZoneSpec) { s.Zone.Height = 0 },
			"high": func(s *clusterv1.ZoneSpec) { s.Zone.Height = 10_001 },
		},
		"cell": {
			"small": func(s *clusterv1.ZoneSpec) { s.Zone.Cell = 4 },
			"many":  func(s *clusterv1.ZoneSpec) { s.Zone.Width, s.Zone.Height, s.Zone.Cell = 641, 640, 10 },
			"large": func(s *clusterv1.ZoneSpec) { s.Zone.Cell = math.MaxUint32 },
		},
		"hz": {
			"fast": func(s *clusterv1.ZoneSpec) { s.Zone.Hz = 61 },
		},
		"max_speed": {
			"negative": func(s *clusterv1.ZoneSpec) { s.Zone.MaxSpeed = -1 },
			"fast":     func(s *clusterv1.ZoneSpec) { s.Zone.MaxSpeed = 100.5 },
			"NaN":      func(s *clusterv1.ZoneSpec) { s.Zone.MaxSpeed = math.NaN() },
			"infinite": func(s *clusterv1.ZoneSpec) { s.Zone.MaxSpeed = math.Inf(1) },
		},
		"bots": {
			"many": func(s *clusterv1.ZoneSpec) { s.Bots = 4001 },
		},
		"max_players": {
			"many":            func(s *clusterv1.ZoneSpec) { s.Zone.MaxPlayers = 4001 },
			"many with bots":  func(s *clusterv1.ZoneSpec) { s.Zone.MaxPlayers, s.Bots = 3000, 1001 },
			"no room is left": func(s *clusterv1.ZoneSpec) { s.Bots = 4000 },
		},
		"mood": {
			"unheard of": func(s *clusterv1.ZoneSpec) { s.Mood = 9 },
		},
	} {
		for name, spoil := range cases {
			spec := zoneOf("plaza", 60, 40)
			spoil(spec)
			_, err := v.PutZone(t.Context(), spec)
			wantErr(t, field+": "+name, err, cluster.ErrInvalidZone)
			if err != nil && !strings.Contains(err.Error(), field+": ") {
				t.Errorf("%s: %s: %q does not name the field", field, name, err)
			}
		}
	}
	if _, err := v.PutZone(t.Context(), nil); err == nil {
		t.Error("nothing at all was put")
	}
	for name, spec := range map[string]*clusterv1.ZoneSpec{
		"the largest": {Zone: &clientv1.Zone{
			Name: strings.Repeat("z", 32), Width: 10_000, Height: 10_000, Cell: 157, Hz: 60, MaxSpeed: 100, MaxPlayers: 1,
		}, Bots: 3999, Mood: clusterv1.BotMood_BOT_MOOD_BRAWL},
		"the smallest":            {Zone: &clientv1.Zone{Name: "0", Width: 1, Height: 1, Hz: 1, MaxSpeed: 0.01, MaxPlayers: 1}},
		"a cell for all of it":    {Zone: &clientv1.Zone{Name: "a_b-c", Width: 10, Height: 10, Cell: 10_000}},
		"as many cells as it may": {Zone: &clientv1.Zone{Name: "grid", Width: 640, Height: 640, Cell: 10}},
	} {
		if _, err := v.PutZone(t.Context(), spec); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
