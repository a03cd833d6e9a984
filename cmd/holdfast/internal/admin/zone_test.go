package admin_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors/zone"
	"github.com/holdfast-game/holdfast/cluster"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// zones has the desk's actors answer like zones in which n players are.
func zones(n uint32) func(*cluster.Command) *cluster.Answer {
	return func(c *cluster.Command) *cluster.Answer {
		switch c.Body.(type) {
		case *clusterv1.OpenZone:
			return &cluster.Answer{Body: &clusterv1.ZoneOpened{}}
		case *clusterv1.CloseZone:
			return &cluster.Answer{Body: &clusterv1.ZoneClosed{}}
		case *clientv1.Who:
			return &cluster.Answer{Body: &clientv1.Present{Total: n}}
		default:
			return &cluster.Answer{Code: clientv1.Code_CODE_NOT_FOUND, Text: "no such method"}
		}
	}
}

func (d *desk) putZone(t *testing.T, spec *clusterv1.ZoneSpec) (*clusterv1.ZoneSpec, error) {
	t.Helper()
	resp, err := d.client.PutZone(t.Context(), req(&adminv1.PutZoneRequest{Spec: spec}))
	if err != nil {
		return nil, err
	}
	return resp.Msg.GetSpec(), nil
}

// awaitZones waits until the watch has brought n zones, and lists them.
func (d *desk) awaitZones(t *testing.T, r *adminv1.ListZonesRequest, n int) []*adminv1.ZoneRow {
	t.Helper()
	d.until(t, fmt.Sprintf("%d zones", n), func() bool { return len(d.view.Zones().List()) == n })
	resp, err := d.client.ListZones(t.Context(), req(r))
	if err != nil {
		t.Fatal(err)
	}
	return resp.Msg.GetZones()
}

func (d *desk) deleteZone(t *testing.T, name string) error {
	t.Helper()
	_, err := d.client.DeleteZone(t.Context(), req(&adminv1.DeleteZoneRequest{Name: name}))
	return err
}

func wantCode(t *testing.T, what string, err error, want connect.Code) {
	t.Helper()
	if got := connect.CodeOf(err); err == nil || got != want {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

func plaza() *clusterv1.ZoneSpec {
	return &clusterv1.ZoneSpec{Zone: &clientv1.Zone{Name: "plaza", Width: 60, Height: 40}, Bots: 20}
}

func TestZonesComeAndGo(t *testing.T) {
	d := openDesk(t)
	d.act = zones(7)
	spec, err := d.putZone(t, plaza())
	if err != nil {
		t.Fatal(err)
	}
	if z := spec.GetZone(); z.GetHz() != 20 || z.GetMaxPlayers() != 1000 || spec.GetBots() != 20 {
		t.Errorf("put: got %v", spec)
	}
	if asked := d.calls["zone/plaza.Open"]; len(asked) != 1 || !proto.Equal(asked[0], &clusterv1.OpenZone{Spec: spec}) {
		t.Errorf("the zone was asked %v", asked)
	}
	if _, err := d.putZone(t, &clusterv1.ZoneSpec{Zone: &clientv1.Zone{Name: "arena", Width: 9, Height: 9}}); err != nil {
		t.Fatal(err)
	}

	rows := d.awaitZones(t, &adminv1.ListZonesRequest{}, 2)
	shard := cluster.ActorID{Kind: "zone", ID: "plaza"}.Shard(d.view.Shards())
	want := &adminv1.ZoneRow{Spec: spec, Shard: uint32(shard)}
	if len(rows) != 2 || !proto.Equal(rows[1], want) {
		t.Errorf("list: got %v, want %v as its second", rows, want)
	}
	if rows := d.awaitZones(t, &adminv1.ListZonesRequest{Prefix: "ar"}, 2); len(rows) != 1 || rows[0].GetSpec().GetZone().GetName() != "arena" {
		t.Errorf("list ar: got %v", rows)
	}

	if err := d.deleteZone(t, "plaza"); err != nil {
		t.Fatal(err)
	}
	if asked := d.calls["zone/plaza.Close"]; len(asked) != 1 {
		t.Errorf("the zone was asked %v", asked)
	}
	d.awaitZones(t, &adminv1.ListZonesRequest{}, 1)
	wantCode(t, "delete again", d.deleteZone(t, "plaza"), connect.CodeNotFound)
}

func TestZonesAreAskedWhoIsInThem(t *testing.T) {
	d := openDesk(t)
	answer := zones(7)
	d.act = answer
	m := d.join(t, "a", "shard")
	for _, name := range []string{"moor", "plaza"} {
		if s := (cluster.ActorID{Kind: "zone", ID: name}).Shard(d.view.Shards()); d.view.Routes().Owner(s).Node == "" {
			d.own(t, m, s)
		}
		spec := plaza()
		spec.Zone.Name = name
		if _, err := d.putZone(t, spec); err != nil {
			t.Fatal(err)
		}
	}
	d.act = func(c *cluster.Command) *cluster.Answer {
		if c.To.ID == "moor" {
			return &cluster.Answer{Code: clientv1.Code_CODE_NOT_FOUND}
		}
		return answer(c)
	}
	rows := d.awaitZones(t, &adminv1.ListZonesRequest{}, 2)
	if len(rows) != 2 || rows[0].Players != nil || rows[1].GetPlayers() != 7 || rows[1].GetNode() != "a" {
		t.Errorf("got %v, want 7 players in the second zone alone", rows)
	}
	if asked := d.calls["zone/plaza.Who"]; len(asked) != 1 || asked[0].(*clientv1.Who).GetChannel() != "zone/plaza" {
		t.Errorf("the zone was asked %v", asked)
	}
	d.awaitZones(t, &adminv1.ListZonesRequest{OmitPlayers: true}, 2)
	if asked := d.calls["zone/plaza.Who"]; len(asked) != 1 {
		t.Errorf("the zone was asked again: %v", asked)
	}
}

func TestZonesAreRefused(t *testing.T) {
	d := openDesk(t)
	d.act = zones(0)
	for name, spoil := range map[string]func(*clusterv1.ZoneSpec){
		"no name":  func(s *clusterv1.ZoneSpec) { s.Zone.Name = "" },
		"a slash":  func(s *clusterv1.ZoneSpec) { s.Zone.Name = "../plaza" },
		"no width": func(s *clusterv1.ZoneSpec) { s.Zone.Width = 0 },
		"NaN":      func(s *clusterv1.ZoneSpec) { s.Zone.MaxSpeed = math.NaN() },
		"no zone":  func(s *clusterv1.ZoneSpec) { s.Zone = nil },
	} {
		spec := plaza()
		spoil(spec)
		_, err := d.putZone(t, spec)
		wantCode(t, name, err, connect.CodeInvalidArgument)
	}
	_, err := d.putZone(t, nil)
	wantCode(t, "nothing", err, connect.CodeInvalidArgument)
	wantCode(t, "delete what cannot be", d.deleteZone(t, "a b"), connect.CodeInvalidArgument)
	if len(d.calls) != 0 {
		t.Errorf("actors were asked: %v", d.calls)
	}
}

// A zone that does not answer stays on paper, and the same calls complete what
// was begun.
func TestZonesThatDoNotAnswer(t *testing.T) {
	d := openDesk(t)
	var codes []clientv1.Code
	d.act = func(c *cluster.Command) *cluster.Answer {
		if len(codes) == 0 {
			return zones(0)(c)
		}
		code := codes[0]
		codes = slices.Delete(codes, 0, 1)
		return &cluster.Answer{Code: code}
	}
	codes = []clientv1.Code{clientv1.Code_CODE_UNAVAILABLE}
	_, err := d.putZone(t, plaza())
	wantCode(t, "put", err, connect.CodeUnavailable)
	d.awaitZones(t, &adminv1.ListZonesRequest{}, 1)
	if _, err := d.putZone(t, plaza()); err != nil {
		t.Errorf("put again: %v", err)
	}

	codes = []clientv1.Code{clientv1.Code_CODE_UNAVAILABLE}
	wantCode(t, "delete", d.deleteZone(t, "plaza"), connect.CodeUnavailable)
	d.awaitZones(t, &adminv1.ListZonesRequest{}, 1)
	codes = []clientv1.Code{clientv1.Code_CODE_NOT_FOUND} // it was closed, nobody heard
	if err := d.deleteZone(t, "plaza"); err != nil {
		t.Errorf("delete again: %v", err)
	}
	d.awaitZones(t, &adminv1.ListZonesRequest{}, 0)
}

func TestRunZoneOpensWhatDoesNotRun(t *testing.T) {
	d := openDesk(t)
	answer, runs := zones(0), false
	d.act = func(c *cluster.Command) *cluster.Answer {
		if c.Method == "Who" && !runs {
			return &cluster.Answer{Code: clientv1.Code_CODE_NOT_FOUND}
		}
		runs = runs || c.Method == "Open"
		return answer(c)
	}
	for range 2 {
		if err := d.service.RunZone(t.Context(), plaza()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(d.calls["zone/plaza.Open"]); n != 1 {
		t.Errorf("the zone was opened %d times, want once", n)
	}
	d.act = func(*cluster.Command) *cluster.Answer {
		return &cluster.Answer{Code: clientv1.Code_CODE_UNAVAILABLE}
	}
	wantCode(t, "a zone that does not answer", d.service.RunZone(t.Context(), plaza()), connect.CodeUnavailable)
}

// What etcd takes for a zone, the zone's actor takes as well, and nothing else:
// a zone on paper that cannot run would help nobody.
func TestZonesOnPaperCanRun(t *testing.T) {
	numbers := []uint32{0, 1, 4, 5, 60, 61, 100, 156, 157, 1000, 3999, 4000, 4001, 9999, 10_000, 10_001, math.MaxUint32}
	speeds := []float64{0, 0.01, 100, 100.01, -1, math.NaN(), math.Inf(1)}
	names := []string{"", "a", "0", "-", "_a", "A", "a.b", "a_-9", strings.Repeat("a", 32), strings.Repeat("a", 33)}
	check := func(change func(*clusterv1.ZoneSpec)) {
		t.Helper()
		spec := &clusterv1.ZoneSpec{
			Zone: &clientv1.Zone{Name: "plaza", Width: 10_000, Height: 10_000, Hz: 20, MaxSpeed: 6, MaxPlayers: 1},
			Mood: clusterv1.BotMood_BOT_MOOD_WANDER,
		}
		change(spec)
		filled, err := cluster.FillZone(spec)
		if err != nil {
			filled = spec
		}
		if runs := zone.Validate(filled); (runs == nil) != (err == nil) {
			t.Errorf("%v: on paper %v, as an actor %v", filled, err, runs)
		}
	}
	for _, n := range numbers {
		check(func(s *clusterv1.ZoneSpec) { s.Zone.Width = n })
		check(func(s *clusterv1.ZoneSpec) { s.Zone.Height = n })
		check(func(s *clusterv1.ZoneSpec) { s.Zone.Cell = n })
		check(func(s *clusterv1.ZoneSpec) { s.Zone.Hz = n })
		check(func(s *clusterv1.ZoneSpec) { s.Zone.MaxPlayers = n })
		check(func(s *clusterv1.ZoneSpec) { s.Bots = n })
		check(func(s *clusterv1.ZoneSpec) { s.Bots, s.Zone.MaxPlayers = n, 3000 })
		check(func(s *clusterv1.ZoneSpec) { s.Mood = clusterv1.BotMood(n & 7) })
	}
	for _, v := range speeds {
		check(func(s *clusterv1.ZoneSpec) { s.Zone.MaxSpeed = v })
	}
	for _, name := range names {
		check(func(s *clusterv1.ZoneSpec) { s.Zone.Name = name })
	}
}
