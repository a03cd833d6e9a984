package world

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestConfigValidate(t *testing.T) {
	whole := Config{URL: "ws://127.0.0.1:8080/v1/ws, ws://[::1]:8080/v1/ws", Admin: "http://x", Secret: "s"}
	if err := whole.Validate(); err != nil {
		t.Error(err)
	}
	for want, c := range map[string]Config{
		"":                {},
		"Viewers":         {Viewers: -1},
		"Entities":        {Entities: maxEntities + 1},
		"Hz":              {Hz: 61},
		"Duration":        {Duration: time.Hour},
		"Mood":            {Mood: "angry"},
		"Stalled: -1":     {Stalled: -1},
		"Stalled: NaN":    {Stalled: math.NaN()},
		"Stalled: 0.6":    {Stalled: 0.6},
		"Admin":           {URL: "ws://x:1"},
		"Secret":          {URL: "ws://x:1", Admin: "http://x"},
		"URL: missing":    {Secret: "s"},
		`URL: "wss://x:1`: {URL: "wss://x:1", Admin: "http://x", Secret: "s"},
		`URL: "ws://x"`:   {URL: "ws://x", Admin: "http://x", Secret: "s"},
	} {
		refused(t, want, c.Validate())
	}
	for want, c := range map[string]IdleConfig{
		"":            {},
		"Connections": {Connections: maxViewers + 1},
		"Settle":      {Settle: -1},
	} {
		refused(t, want, c.Validate())
	}
	for want, c := range map[string]ZonesConfig{
		"":         {},
		"Zones":    {Zones: -1},
		"Watched":  {Watched: -1},
		"Entities": {Entities: -1},
	} {
		refused(t, want, c.Validate())
	}
}

func refused(t *testing.T, want string, err error) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
		t.Errorf("got %v, want an error that begins with %q", err, want)
	}
}

func TestStalledViewersAreSpread(t *testing.T) {
	for share, want := range map[float64]int{0: 0, 0.05: 50, 0.3: 300, 0.5: 500} {
		got, last := 0, -1
		for i := range 1000 {
			if (Config{Stalled: share}).narrow(i) {
				if got++; last >= 0 && float64(i-last) > 1/share+1 {
					t.Errorf("share %g: none between %d and %d", share, last, i)
				}
				last = i
			}
		}
		if got != want {
			t.Errorf("share %g: got %d of 1,000, want %d", share, got, want)
		}
	}
}

func TestEntitiesHaveAsMuchRoom(t *testing.T) {
	for entities, want := range map[int]uint32{200: 100, 800: 200, 10: 23, 4000: 448} {
		if got := side(entities); got != want {
			t.Errorf("%d entities: got a side of %d, want %d", entities, got, want)
		}
	}
}

func TestTooManyConnections(t *testing.T) {
	if err := checkFiles(10); err != nil {
		t.Error(err)
	}
	if err := checkFiles(1 << 40); err == nil || !strings.Contains(err.Error(), "ulimit -n") {
		t.Errorf("got %v, want to hear what to do", err)
	}
}
