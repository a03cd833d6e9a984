package client_test

import (
	"bytes"
	"math"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/client"
	"github.com/holdfast-game/holdfast/client/clienttest"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	"github.com/holdfast-game/holdfast/proto/delta"
)

type actor = clienttest.Actor

// enter has a Conn enter the stage's zone.
func enter(t *testing.T, c *client.Conn, o client.EnterOptions) *client.ZoneView {
	t.Helper()
	z, err := c.EnterZone(t.Context(), "plaza", o)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// await looks at a view until it shows something.
func await(t *testing.T, z *client.ZoneView, what string, shows func() bool) {
	t.Helper()
	patience := time.NewTimer(20 * time.Second)
	defer patience.Stop()
	for !shows() {
		select {
		case <-z.Updates():
		case <-z.Done():
			t.Fatalf("the view ended before it showed %s: %v", what, z.Err())
		case <-patience.C:
			t.Fatalf("the view never shows %s: %v", what, z.Entities(nil))
		}
	}
}

// ids are those of what is in sight.
func ids(z *client.ZoneView) (out []uint32) {
	for _, e := range z.Entities(nil) {
		out = append(out, e.ID)
	}
	return out
}

func seen(z *client.ZoneView, want ...uint32) func() bool {
	return func() bool { return slices.Equal(ids(z), want) }
}

func TestZoneView(t *testing.T) {
	for _, sub := range []client.Subprotocol{client.Binary, client.JSON} {
		t.Run(string(sub), func(t *testing.T) {
			stage := clienttest.NewStage(2)
			s := serve(t, stage.Handle)
			c := dial(t, s, client.Options{Subprotocol: sub})
			z := enter(t, c, client.EnterOptions{})
			if z.Name() != "plaza" || z.Entity() != 1 || z.Owner() != "a" || z.Zone().GetWidth() != 60 || z.Err() != nil {
				t.Errorf("entered %s as %d at %s: %v, %v", z.Name(), z.Entity(), z.Owner(), z.Zone(), z.Err())
			}
			stage.Play(nil, []actor{{ID: 1, X: 150, Y: 225, Heading: 64, HP: 1000, State: 1}, {ID: 9, X: 1, Y: 2, Heading: 3, HP: 4}}, []actor{{ID: 3, X: 5000, Y: 100, HP: 500, State: 4}})
			await(t, z, "three entities", seen(z, 1, 3, 9))
			got := z.Entities(nil)[0]
			want := client.Entity{ID: 1, X: 1.5, Y: 2.25, Heading: math.Pi / 2, HP: 1000, State: 1}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}

			// 9 goes from one cell to the other, and is in both for a moment.
			stage.Play(nil, []actor{{ID: 1, X: 152, Y: 225, Heading: 64, HP: 1000, State: 1}, {ID: 9, X: 1, Y: 2, Heading: 3, HP: 4}})
			stage.Play(nil, []actor{}, []actor{{ID: 3, X: 5000, Y: 100, HP: 500, State: 4}, {ID: 9, X: 7, Y: 2, Heading: 3, HP: 4}})
			await(t, z, "9 in the other cell", seen(z, 3, 9))
			if e := z.Entities(nil)[1]; e.Cell != 1 || e.X != 0.07 {
				t.Errorf("got %+v, want it in cell 1", e)
			}
			stage.Dim(1)
			await(t, z, "one cell", seen(z))

			var cells []uint32
			z.Cells(func(n uint32, h delta.Header, table *delta.Table) {
				cells = append(cells, n)
				if h.Tick != 3 || h.Hz != 20 || !h.Start.Equal(clienttest.Start) || table.Len() != 0 {
					t.Errorf("cell %d: header %+v, %d entities", n, h, table.Len())
				}
			})
			if !slices.Equal(cells, []uint32{0}) {
				t.Errorf("cells %v", cells)
			}
			if st := z.Stats(); st.Keys != 2 || st.Frames != 5 || st.Bytes == 0 || st.Resyncs != 0 {
				t.Errorf("stats %+v", st)
			}
		})
	}
}

func TestEntitiesAreOncePerID(t *testing.T) {
	stage := clienttest.NewStage(2)
	z := enter(t, dial(t, serve(t, stage.Handle), client.Options{}), client.EnterOptions{})
	stage.Play(nil, []actor{{ID: 9, X: 100}})
	stage.Play(nil, []actor{{ID: 9, X: 200}}, []actor{{ID: 9, X: 300}})
	stage.Play(nil, []actor{{ID: 9, X: 400}})
	await(t, z, "9 in cell 0", func() bool {
		all := z.Entities([]client.Entity{{ID: 4}})
		return len(all) == 2 && all[0].ID == 4 && all[1] == client.Entity{ID: 9, X: 4}
	})
}

// A frame that is missing has the picture asked for again.
func TestZoneViewRecoversFromAGap(t *testing.T) {
	stage := clienttest.NewStage(1)
	z := enter(t, dial(t, serve(t, stage.Handle), client.Options{}), client.EnterOptions{})
	stage.Play(nil, []actor{{ID: 1, X: 10}})
	stage.Play(func(*clienttest.Session) bool { return true }, []actor{{ID: 1, X: 20}, {ID: 2}})
	stage.Play(nil, []actor{{ID: 1, X: 30}, {ID: 2}})
	await(t, z, "what came after the gap", seen(z, 1, 2))
	stage.Play(nil, []actor{{ID: 1, X: 40}})
	await(t, z, "what came after the picture", func() bool {
		all := z.Entities(nil)
		return len(all) == 1 && all[0].X == 0.4
	})
	if st := z.Stats(); st.Resyncs != 1 || st.Keys != 2 {
		t.Errorf("stats %+v, want one picture asked for", st)
	}
}

func TestZoneViewSurvivesReconnect(t *testing.T) {
	stage := clienttest.NewStage(2)
	s := serve(t, stage.Handle)
	c := dial(t, s, client.Options{})
	at := &clientv1.Point{X: 3, Y: 4}
	z := enter(t, c, client.EnterOptions{Spectate: true, At: at})
	if _, err := c.JoinGroup(t.Context(), "owls"); err != nil {
		t.Fatal(err)
	}
	stage.Play(nil, []actor{{ID: 1}}, []actor{{ID: 8}})
	await(t, z, "the first picture", seen(z, 1, 8))
	stage.Hide(1) // what is around differs when it comes back
	s.DropAll()
	if _, err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	stage.Play(nil, []actor{{ID: 2}})
	await(t, z, "the picture after the reconnect", seen(z, 2))

	enters, joins, ping := 0, 0, 0
	for i, f := range stage.Asked() {
		if e := f.GetEnterZone(); e != nil && e.GetSpectate() && proto.Equal(e.GetAt(), at) {
			enters++
		}
		if f.GetJoinGroup().GetGroup() == "owls" {
			joins++
		}
		if f.GetPing() != nil {
			ping = i
		}
	}
	if enters != 2 || joins != 2 {
		t.Errorf("entered %d times, joined %d times, want twice: %v", enters, joins, stage.Asked())
	}
	if ping != len(stage.Asked())-1 {
		t.Errorf("what waited came before the zone was entered again: %v", stage.Asked())
	}
	if again := enter(t, c, client.EnterOptions{}); again != z || z.Entity() != 2 {
		t.Errorf("entering again gave another view, as %d", z.Entity())
	}
}

// The player has left on another connection, or the zone was closed.
func TestViewEndsWhenTheServerSaysSo(t *testing.T) {
	stage := clienttest.NewStage(1)
	c := dial(t, serve(t, stage.Handle), client.Options{})
	z := enter(t, c, client.EnterOptions{})
	stage.Push(&clientv1.ServerFrame{Body: &clientv1.ServerFrame_LeftZone{LeftZone: &clientv1.LeftZone{Zone: "plaza"}}})
	<-z.Done()
	if err := z.Err(); err != client.ErrLeft {
		t.Errorf("the view ended with %v, want %v", err, client.ErrLeft)
	}
	if again := enter(t, c, client.EnterOptions{}); again == z || again.Err() != nil {
		t.Error("the zone cannot be entered again")
	}
}

func TestLeftPlacesAreNotRejoined(t *testing.T) {
	stage := clienttest.NewStage(1)
	s := serve(t, stage.Handle)
	c := dial(t, s, client.Options{})
	z := enter(t, c, client.EnterOptions{})
	if _, err := c.JoinGroup(t.Context(), "owls"); err != nil {
		t.Fatal(err)
	}
	if err := c.LeaveZone(t.Context(), "plaza"); err != nil {
		t.Fatal(err)
	}
	if err := c.LeaveGroup(t.Context(), "owls"); err != nil {
		t.Fatal(err)
	}
	<-z.Done()
	if err := z.Err(); err != client.ErrLeft {
		t.Errorf("the view ended with %v, want %v", err, client.ErrLeft)
	}
	before := len(stage.Asked())
	s.DropAll()
	if _, err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if asked := stage.Asked()[before:]; len(asked) != 1 {
		t.Errorf("after the reconnect it was asked %v, want a ping", asked)
	}
}

// Where a new connection cannot get back to is told; where it may be able to
// later is tried again.
func TestRejoinRefused(t *testing.T) {
	stage := clienttest.NewStage(1)
	tries := 0
	stage.Refuse = func(s *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
		switch {
		case s.Number == 1:
		case f.GetEnterZone() != nil:
			return clienttest.Refuse(clientv1.Code_CODE_LIMIT_REACHED, "full")
		case f.GetJoinGroup().GetGroup() == "owls":
			return clienttest.Refuse(clientv1.Code_CODE_NOT_FOUND, "dissolved")
		case f.GetJoinGroup().GetGroup() == "bats":
			if tries++; tries < 3 {
				return clienttest.Refuse(clientv1.Code_CODE_UNAVAILABLE, "not now")
			}
		}
		return nil
	}
	s := serve(t, stage.Handle)
	c := dial(t, s, client.Options{})
	z := enter(t, c, client.EnterOptions{})
	for _, group := range []string{"owls", "bats"} {
		if _, err := c.JoinGroup(t.Context(), group); err != nil {
			t.Fatal(err)
		}
	}
	s.DropAll()
	for _, want := range []struct {
		channel string
		code    clientv1.Code
	}{{"zone/plaza", clientv1.Code_CODE_LIMIT_REACHED}, {"group/owls", clientv1.Code_CODE_NOT_FOUND}} {
		if e := <-c.Events(); e.Lost == nil || e.Lost.Channel != want.channel || client.CodeOf(e.Lost.Err) != want.code {
			t.Errorf("got %+v, want %s lost with %s", e.Lost, want.channel, want.code)
		}
	}
	<-z.Done()
	if client.CodeOf(z.Err()) != clientv1.Code_CODE_LIMIT_REACHED {
		t.Errorf("the view ended with %v", z.Err())
	}
	joins := func() (n int) {
		for _, f := range stage.Asked() {
			if f.GetJoinGroup().GetGroup() == "bats" {
				n++
			}
		}
		return n
	}
	for joins() < 4 { // once before, and three times after
		if _, err := c.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEnterRefused(t *testing.T) {
	stage := clienttest.NewStage(1)
	c := dial(t, serve(t, stage.Handle), client.Options{})
	if z, err := c.EnterZone(t.Context(), "moor", client.EnterOptions{}); client.CodeOf(err) != clientv1.Code_CODE_NOT_FOUND {
		t.Errorf("got %v, %v, want NOT_FOUND", z, err)
	}
	stage.Fields[0].Bits = 99
	if z, err := c.EnterZone(t.Context(), "plaza", client.EnterOptions{}); z != nil || err == nil {
		t.Errorf("fields that cannot be: got %v, %v", z, err)
	}
	stage.Fields[0].Bits = 20
	enter(t, c, client.EnterOptions{})
}

func TestCloseEndsViews(t *testing.T) {
	c := dial(t, serve(t, clienttest.NewStage(1).Handle), client.Options{})
	z := enter(t, c, client.EnterOptions{})
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	<-z.Done()
	if z.Err() != client.ErrClosed {
		t.Errorf("the view ended with %v, want %v", z.Err(), client.ErrClosed)
	}
}

// A server whose entities consist of something else than this version knows is
// followed all the same.
func TestFieldsOfAnotherWorld(t *testing.T) {
	stage := clienttest.NewStage(1)
	stage.Fields = append(stage.Fields, &clientv1.Field{Name: "mana", Kind: clientv1.FieldKind_FIELD_KIND_LEVEL, Bits: 4})
	c := dial(t, serve(t, stage.Handle), client.Options{})
	z := enter(t, c, client.EnterOptions{})
	// The stage's frames are still those of delta.World, which now do not fit: the
	// picture is asked for again, and that is not repeated at once.
	for range 5 {
		if _, err := c.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	resyncs := 0
	for _, f := range stage.Asked() {
		if f.GetResync() != nil {
			resyncs++
		}
	}
	if resyncs != 2 { // when the fields became known, and when the picture did not fit
		t.Errorf("pictures were asked for %d times, want twice: %v", resyncs, stage.Asked())
	}
	z.Cells(func(_ uint32, _ delta.Header, table *delta.Table) {
		if n := len(table.Schema().Fields()); n != 6 {
			t.Errorf("%d fields, want 6", n)
		}
	})
}

func TestOnWorldIsGivenFramesAsTheyCame(t *testing.T) {
	stage := clienttest.NewStage(2)
	var d *delta.Decoder
	got := make(chan client.WorldMessage, 16)
	c := dial(t, serve(t, stage.Handle), client.Options{OnWorld: func(m *client.WorldMessage) {
		keep := *m
		keep.Frame = bytes.Clone(m.Frame)
		got <- keep
	}})
	z := enter(t, c, client.EnterOptions{Spectate: true})
	if z.Entity() != 0 {
		t.Errorf("a spectator is entity %d", z.Entity())
	}
	stage.Play(nil, []actor{{ID: 1, X: 10}})
	stage.Dim(1)
	for i, want := range []client.WorldMessage{
		{Kind: client.WorldKey, Stream: 10, Zone: "plaza"}, {Kind: client.WorldKey, Stream: 11, Zone: "plaza", Cell: 1},
		{Kind: client.WorldFrame, Stream: 10}, {Kind: client.WorldGone, Stream: 11},
	} {
		m := <-got
		if m.Kind != want.Kind || m.Stream != want.Stream || m.Zone != want.Zone || m.Cell != want.Cell || m.At.IsZero() {
			t.Errorf("message %d: got %+v, want %+v", i, m, want)
		}
		if m.Stream != 10 {
			continue
		}
		if m.Kind == client.WorldKey {
			d = delta.NewDecoder(delta.World)
		}
		if err := d.Decode(m.Frame); err != nil {
			t.Errorf("message %d: %v", i, err)
		}
	}
	if len(z.Entities(nil)) != 0 {
		t.Error("the view was filled as well")
	}
}

func TestIntents(t *testing.T) {
	stage := clienttest.NewStage(1)
	c := dial(t, serve(t, stage.Handle), client.Options{})
	ctx := t.Context()
	for _, intend := range []func() (*clientv1.Intended, error){
		func() (*clientv1.Intended, error) { return c.Steer(ctx, "plaza", 1, -2) },
		func() (*clientv1.Intended, error) { return c.Walk(ctx, "plaza", 3, 4) },
		func() (*clientv1.Intended, error) { return c.Strike(ctx, "plaza", 9) },
	} {
		if got, err := intend(); err != nil || !got.GetClamped() || got.GetAt().GetY() != 2 {
			t.Errorf("got %v, %v", got, err)
		}
	}
	asked := stage.Asked()
	if s := asked[0].GetIntent(); s.GetZone() != "plaza" || s.GetSteer().GetVx() != 1 || s.GetSteer().GetVy() != -2 {
		t.Errorf("steer: %v", s)
	}
	if w := asked[1].GetIntent().GetWalk().GetTo(); w.GetX() != 3 || w.GetY() != 4 {
		t.Errorf("walk: %v", w)
	}
	if s := asked[2].GetIntent().GetStrike(); s.GetEntity() != 9 {
		t.Errorf("strike: %v", s)
	}
	if zones, err := c.ListZones(ctx, "pl"); err != nil || len(zones.GetZones()) != 1 {
		t.Errorf("zones: %v, %v", zones, err)
	}
}
