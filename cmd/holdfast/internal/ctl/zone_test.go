package ctl

import (
	"context"
	"errors"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// land answers as a node of a cluster with zones would.
type land struct {
	adminv1connect.UnimplementedAdminServiceHandler
	rows []*adminv1.ZoneRow
	puts []*clusterv1.ZoneSpec
	gone []string
}

func (l *land) PutZone(_ context.Context, req *connect.Request[adminv1.PutZoneRequest]) (*connect.Response[adminv1.PutZoneResponse], error) {
	l.puts = append(l.puts, req.Msg.GetSpec())
	return connect.NewResponse(&adminv1.PutZoneResponse{Spec: req.Msg.GetSpec()}), nil
}

func (l *land) ListZones(context.Context, *connect.Request[adminv1.ListZonesRequest]) (*connect.Response[adminv1.ListZonesResponse], error) {
	return connect.NewResponse(&adminv1.ListZonesResponse{Zones: l.rows}), nil
}

func (l *land) DeleteZone(_ context.Context, req *connect.Request[adminv1.DeleteZoneRequest]) (*connect.Response[adminv1.DeleteZoneResponse], error) {
	if req.Msg.GetName() == "moor" {
		return nil, connect.NewError(connect.CodeNotFound, errors.New("no such zone"))
	}
	l.gone = append(l.gone, req.Msg.GetName())
	return connect.NewResponse(&adminv1.DeleteZoneResponse{}), nil
}

func TestZonePut(t *testing.T) {
	l := new(land)
	data := serve(t, l)
	expect(t, 0, []string{"plaza is open: 60 x 40 units, 30 ticks a second, for 50 players"}, "zone", "put", "plaza", "--width=60", "--height=40",
		"--cell=10", "--hz=30", "--max-speed=2.5", "--max-players=50", "--bots=20", "--mood=brawl", "--data", data)
	expect(t, 0, nil, "zone", "put", "moor", "--data", data)
	want := []*clusterv1.ZoneSpec{
		{Zone: &clientv1.Zone{Name: "plaza", Width: 60, Height: 40, Cell: 10, Hz: 30, MaxSpeed: 2.5, MaxPlayers: 50}, Bots: 20, Mood: clusterv1.BotMood_BOT_MOOD_BRAWL},
		{Zone: &clientv1.Zone{Name: "moor", Width: 100, Height: 100, Hz: 20, MaxSpeed: 6}, Mood: clusterv1.BotMood_BOT_MOOD_WANDER},
	}
	for i := range want {
		if len(l.puts) != len(want) || !proto.Equal(l.puts[i], want[i]) {
			t.Fatalf("asked for %v, want %v", l.puts, want)
		}
	}
	for _, mood := range []string{"unspecified", "", "sad"} {
		expect(t, exit.Unusable, []string{"--mood", "wander, brawl, idle"}, "zone", "put", "plaza", "--mood="+mood, "--data", data)
	}
}

func TestZoneListAndRemove(t *testing.T) {
	players := uint32(7)
	l := &land{rows: []*adminv1.ZoneRow{
		{Spec: &clusterv1.ZoneSpec{Zone: &clientv1.Zone{Name: "arena", Width: 9, Height: 8}, Mood: clusterv1.BotMood_BOT_MOOD_BRAWL}, Shard: 5},
		{Spec: &clusterv1.ZoneSpec{Zone: &clientv1.Zone{Name: "plaza", Cell: 20, MaxPlayers: 500}, Bots: 12}, Shard: 61, Node: "b", Players: &players},
	}}
	data := serve(t, l)
	expect(t, 0, []string{"arena  9 x 8  -", "brawl", "plaza  0 x 0  20", "  7        500  12", "61     b"}, "zone", "list", "--data", data)
	expect(t, 0, []string{`"players": 7`}, "zone", "list", "--json", "--data", data)

	expect(t, 0, []string{"plaza is closed"}, "zone", "remove", "plaza", "--data", data)
	expect(t, exit.NotFound, []string{"no such zone"}, "zone", "remove", "moor", "--data", data)
	if len(l.gone) != 1 || l.gone[0] != "plaza" {
		t.Errorf("removed %q", l.gone)
	}
}
