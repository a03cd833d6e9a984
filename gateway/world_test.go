package gateway_test

import (
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/gateway"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Whoever enters sees what is there, and what changes; one subscription serves
// all.
func TestEnterZone(t *testing.T) {
	h := open(t, nil)
	z := zoneIn(t, h, 0)
	z.frame(0, entity{1, 500, 500}, entity{2, 700, 700})
	var all []*sight
	for i, sub := range []string{gateway.SubprotocolProto, gateway.SubprotocolJSON, gateway.SubprotocolProto} {
		s, e := h.greeted(t, sub, "ann").enter(i == 2, nil)
		if e.GetZone().GetName() != "plaza" || (e.GetEntity() == 1) == (i == 2) || len(e.GetFields()) != 5 || e.GetPlayers() != 1 {
			t.Errorf("entered %v", e)
		}
		s.await(entity{2, 700, 700})
		all = append(all, s)
	}
	for i := range uint32(50) {
		z.show(0, entity{1, 500 + i, 500}, entity{3, 100, 100 * i})
		for _, s := range all {
			s.await(entity{3, 100, 100 * i})
		}
	}
	for _, s := range all {
		if s.keys != 1 {
			t.Errorf("a viewer got %d keyframes", s.keys)
		}
	}
	if n := z.count("Key"); n != 1 {
		t.Errorf("the zone was asked for %d keyframes", n)
	}
	if got := h.count(t, "viewed_cells", ""); got != 1 {
		t.Errorf("%v cells are followed", got)
	}
}

// crowd is n entities in a row, of which step moves each.
func crowdOf(n, step int) []entity {
	all := make([]entity, n)
	for i := range all {
		all[i] = entity{uint32(i + 1), uint32((i*7919 + step*step*31) % 10000), uint32((i*104729 + step*17) % 10000)}
	}
	return all
}

// A viewer that does not read is no reason for others to wait: it is not sent
// what it does not take, and begins anew with one keyframe when it reads again.
func TestConflation(t *testing.T) {
	h := open(t, narrow)
	z := zoneIn(t, h, 0)
	slow := h.greetedNarrow(t)
	stalled, _ := slow.enter(true, nil)
	quick, _ := h.greeted(t, gateway.SubprotocolJSON, "bob").enter(true, nil)
	const ticks = 400
	for i := range ticks {
		all := crowdOf(100, i)
		z.show(0, all...)
		quick.await(all[99])
	}
	if quick.keys != 1 {
		t.Errorf("the quick viewer got %d keyframes", quick.keys)
	}
	if h.count(t, "conflated_total", "") == 0 || h.count(t, "lagging_viewers", "") != 1 {
		t.Fatalf("%v frames conflated, %v viewers lag", h.count(t, "conflated_total", ""), h.count(t, "lagging_viewers", ""))
	}
	// It sees the present without another frame, and every frame that it gets
	// follows on the one before.
	stalled.await(crowdOf(100, ticks-1)[99])
	if stalled.keys < 2 || stalled.keys+stalled.frames > ticks/4 {
		t.Errorf("the slow viewer got %d keyframes and %d frames of %d ticks", stalled.keys, stalled.frames, ticks)
	}
	eventually(t, func() bool { return h.count(t, "lagging_viewers", "") == 0 })
	z.show(0, entity{7, 1, 2})
	stalled.await(entity{7, 1, 2})
}

// When one zone's backlog is dropped, so is that of the connection's other zones:
// none may go on as if all had arrived.
func TestConflationOfTwoZones(t *testing.T) {
	h := open(t, narrow)
	plaza, market := zoneIn(t, h, 0), zoneNamed(t, h, "market", 0)
	slow := h.greetedNarrow(t)
	s, _ := slow.enter(true, nil)
	if f := slow.askWorld(s, enter("market", true, nil)); f.GetEntered() == nil {
		t.Fatal(f)
	}
	for i := range 400 {
		plaza.show(0, crowdOf(100, i)...)
		if i%3 == 0 {
			market.show(0, entity{7777, uint32(i), 1})
		}
	}
	eventually(t, func() bool { return h.count(t, "lagging_viewers", "") == 2 })
	// Whatever the client gets follows on what it got before.
	s.await(entity{7777, 399, 1})
	s.await(crowdOf(100, 399)[99])
	plaza.show(0, entity{1, 2, 3})
	market.show(0, entity{4, 5, 6})
	s.await(entity{1, 2, 3})
	s.await(entity{4, 5, 6})
}

// A viewer that takes nothing for long is cut off.
func TestStalledViewerIsCutOff(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *gateway.Config, h *house) { narrow(c, h); c.WriteTimeout = 200 * time.Millisecond })
	z := zoneIn(t, h, 0)
	h.greetedNarrow(t).enter(true, nil)
	step := 0
	eventually(t, func() bool {
		z.show(0, crowdOf(100, step)...)
		step++
		return h.count(t, "closed_total", "write_timeout") == 1
	})
	eventually(t, func() bool { return h.count(t, "viewers", "") == 0 && h.count(t, "lagging_viewers", "") == 0 })
}

// What is asked while the world comes is answered in between, and a frame of the
// world never comes within another.
func TestWorldBetweenReplies(t *testing.T) {
	t.Parallel()
	for _, sub := range subprotocols {
		h := open(t, nil)
		z := zoneIn(t, h, 0)
		c := h.greeted(t, sub, "ann")
		s, _ := c.enter(false, nil)
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			clock := time.NewTicker(200 * time.Microsecond)
			defer clock.Stop()
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-clock.C:
					z.show(0, crowdOf(20, i)...)
				}
			}
		}()
		for seq := uint64(10); seq < 300; seq++ {
			c.send(&clientv1.ClientFrame{Seq: seq, Body: &clientv1.ClientFrame_Intent{Intent: &clientv1.Intent{
				Zone: "plaza", Action: &clientv1.Intent_Steer{Steer: &clientv1.Steer{Vx: 1}},
			}}})
			for f := c.receive(); ; f = c.receive() {
				if s.take(f) {
					continue
				}
				if f.GetSeq() != seq || !f.GetIntended().GetClamped() {
					t.Fatalf("got %v", f)
				}
				break
			}
		}
		close(stop)
		<-stopped
	}
}

// Behind a listener that is no plain socket, TLS for example, the session's
// writer shows the world.
func TestWorldWithoutSocket(t *testing.T) {
	h := open(t, func(_ *gateway.Config, h *house) {
		h.wrap = func(c *net.TCPConn) net.Conn { return struct{ net.Conn }{c} }
	})
	z := zoneIn(t, h, 0)
	s, _ := h.greeted(t, gateway.SubprotocolProto, "ann").enter(true, nil)
	for i := range uint32(100) {
		z.show(0, entity{1, i, i})
	}
	s.await(entity{1, 99, 99})
	if f := s.c.ask(ping(3)); f.GetPong() == nil {
		t.Error(f)
	}
}

// A frame that is missing has the keyframe asked for, and the viewers begin anew.
func TestGap(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	z := zoneIn(t, h, 0)
	s, _ := h.greeted(t, gateway.SubprotocolProto, "ann").enter(true, nil)
	z.show(0, entity{1, 1, 1})
	s.await(entity{1, 1, 1})
	z.frame(0, entity{1, 2, 2}) // lost
	z.show(0, entity{1, 3, 3})
	s.await(entity{1, 3, 3})
	if s.keys != 2 || z.count("Key") != 2 || h.count(t, "world_gaps_total", "") != 1 {
		t.Errorf("%d keyframes came, %d were asked for", s.keys, z.count("Key"))
	}
}

// Frames that come before the keyframe are not lost.
func TestFramesBeforeKeyframe(t *testing.T) {
	h := open(t, nil)
	z := zoneIn(t, h, 0)
	z.answers["Key"] = func(*cluster.Command) *cluster.Answer { return nil }
	s, _ := h.greeted(t, gateway.SubprotocolProto, "ann").enter(true, nil)
	<-h.router.asked
	z.mu.Lock()
	key := z.encoder(0).Keyframe(nil)
	z.mu.Unlock()
	z.show(0, entity{1, 1, 1})
	z.show(0, entity{1, 2, 2})
	// Once another viewer is seen, so were they.
	h.greeted(t, gateway.SubprotocolProto, "bob").enter(true, nil)
	eventually(t, func() bool { return h.count(t, "viewers", "") == 2 })
	h.router.answerAll(func(*cluster.Command) *cluster.Answer {
		return &cluster.Answer{Body: &clusterv1.ZoneKeyframe{Frame: key}}
	})
	s.await(entity{1, 2, 2})
	if s.keys != 1 {
		t.Errorf("%d keyframes came", s.keys)
	}
}

// A new owner begins with a keyframe of its own; the frames of the old one that
// still come are ignored.
func TestOwnerChanges(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	z := zoneIn(t, h, 0)
	h.world.set("plaza", "north", z.spec)
	s, e := h.greeted(t, gateway.SubprotocolProto, "ann").enter(true, nil)
	if e.GetOwner() != "north" {
		t.Errorf("entered %v", e)
	}
	z.show(0, entity{1, 1, 1})
	s.await(entity{1, 1, 1})
	late := z.frame(0, entity{1, 9, 9})
	z.moved()
	h.world.set("plaza", "south", z.spec)
	z.mu.Lock()
	key := z.encoder(0).Keyframe(nil) // as the first frame that is broadcast
	z.mu.Unlock()
	h.bus.cast(z.topic(0), key)
	h.bus.cast(z.topic(0), late)
	z.show(0, entity{1, 2, 2})
	told := false
	for !told || !s.sees(entity{1, 2, 2}) {
		f := s.c.receive()
		if o := f.GetZoneOwner(); o != nil {
			told = o.GetNode() == "south" && o.GetZone() == "plaza"
		} else if !s.take(f) {
			t.Fatal(f)
		}
	}
	if s.sees(entity{1, 9, 9}) {
		t.Error("a frame of the old owner was shown")
	}
}

// A cell that says nothing for long is asked.
func TestSilentCell(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	z := zoneIn(t, h, 0)
	s, _ := h.greeted(t, gateway.SubprotocolProto, "ann").enter(true, nil)
	s.until(func() bool { return s.keys == 1 })
	z.frame(0, entity{1, 5, 5}) // and nobody hears of it
	s.await(entity{1, 5, 5})
	if n := z.count("Key"); n < 2 {
		t.Errorf("asked for %d keyframes", n)
	}
}

// A player sees the cells around its entity, wherever that goes.
func TestInterest(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	z := zoneIn(t, h, 20) // 5 x 5 cells
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	s, _ := c.enter(false, nil) // at 5, 5
	z.show(0, entity{1, 500, 500})
	z.show(7, entity{2, 4500, 2500}) // two cells to the east, one north: unseen
	s.await(entity{1, 500, 500})
	s.until(func() bool { return len(s.decoders) == 4 })
	wantCells(t, s, 0, 1, 5, 6)
	// It walks north-east.
	z.show(0)
	z.show(6, entity{1, 2500, 2500})
	s.await(entity{2, 4500, 2500})
	s.until(func() bool { return len(s.decoders) == 9 })
	wantCells(t, s, 0, 1, 2, 5, 6, 7, 10, 11, 12)
	// It comes to life again far away, where nobody looks.
	z.mu.Lock()
	z.player = entity{1, 9900, 9900}
	z.mu.Unlock()
	z.show(24, entity{1, 9900, 9900})
	z.show(6)
	s.await(entity{1, 9900, 9900})
	s.until(func() bool { return len(s.decoders) == 4 })
	wantCells(t, s, 18, 19, 23, 24)
	// The cells out of sight are let go after a while, and the rest when it leaves.
	if f := c.askWorld(s, &clientv1.ClientFrame{Seq: 9, Body: &clientv1.ClientFrame_LeaveZone{LeaveZone: &clientv1.LeaveZone{Zone: "plaza"}}}); f.GetLeftZone().GetZone() != "plaza" {
		t.Error(f)
	}
	if z.count("Leave") != 1 {
		t.Error("the zone was not told")
	}
	if f := c.ask(ping(10)); f.GetPong() == nil {
		t.Errorf("after leaving came %v", f)
	}
}

// A spectator sees what is around a place; without one, around the middle.
func TestSpectate(t *testing.T) {
	h := open(t, nil)
	z := zoneIn(t, h, 20)
	middle, _ := h.greeted(t, gateway.SubprotocolProto, "ann").enter(true, nil)
	corner, _ := h.greeted(t, gateway.SubprotocolProto, "ann").enter(true, &clientv1.Point{X: 1e9, Y: -1e9})
	middle.until(func() bool { return len(middle.decoders) == 9 })
	wantCells(t, middle, 6, 7, 8, 11, 12, 13, 16, 17, 18)
	corner.until(func() bool { return len(corner.decoders) == 4 })
	wantCells(t, corner, 3, 4, 8, 9)
	// Leaving is nothing that the zone would have to know.
	if f := middle.c.askWorld(middle, &clientv1.ClientFrame{Seq: 9, Body: &clientv1.ClientFrame_LeaveZone{LeaveZone: &clientv1.LeaveZone{Zone: "plaza"}}}); f.GetLeftZone() == nil {
		t.Error(f)
	}
	if z.count("Leave") != 0 {
		t.Error("the zone was told of a spectator")
	}
}

// Who enters again, on the same connection, is shown everything anew.
func TestEnterAgain(t *testing.T) {
	h := open(t, nil)
	z := zoneIn(t, h, 0)
	z.frame(0, entity{1, 1, 1})
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	s, _ := c.enter(true, nil)
	s.await(entity{1, 1, 1})
	again, e := c.enter(false, nil)
	again.await(entity{1, 1, 1})
	if e.GetEntity() != 1 || h.count(t, "viewers", "") != 1 {
		t.Errorf("entered %v, %v viewers", e, h.count(t, "viewers", ""))
	}
}

// The client of a player who is not in the zone any more is told so.
func TestPutOut(t *testing.T) {
	t.Parallel()
	for name, out := range map[string]func(h *house, z *fakeZone){
		"left elsewhere": func(h *house, _ *fakeZone) {
			h.bus.castMessage(t, "zone.plaza.who", &clientv1.Presence{Channel: "zone/plaza", Left: []*clientv1.Person{{Player: "ann", Entity: 1}}})
		},
		"closed": func(h *house, _ *fakeZone) { h.world.set("", "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, nil)
			z := zoneIn(t, h, 0)
			h.world.set("plaza", "north", z.spec)
			s, _ := h.greeted(t, gateway.SubprotocolProto, "ann").enter(false, nil)
			z.show(0, entity{1, 1, 1})
			s.await(entity{1, 1, 1})
			eventually(t, func() bool { return h.world.asked() > 2 })
			out(h, z)
			for {
				f := s.c.receive()
				if f.GetLeftZone() != nil && f.GetSeq() == 0 {
					break
				}
				if !s.take(f) && f.GetPresence() == nil {
					t.Fatal(f)
				}
			}
			eventually(t, func() bool { return h.count(t, "viewers", "") == 0 })
			z.show(0, entity{1, 2, 2})
			if f := s.c.ask(ping(9)); f.GetPong() == nil {
				t.Errorf("after that came %v", f)
			}
		})
	}
}

// A stream that a client could not follow begins anew.
func TestResync(t *testing.T) {
	h := open(t, nil)
	z := zoneIn(t, h, 0)
	s, _ := h.greeted(t, gateway.SubprotocolProto, "ann").enter(true, nil)
	z.show(0, entity{1, 1, 1})
	s.await(entity{1, 1, 1})
	for stream := range s.decoders {
		s.c.send(&clientv1.ClientFrame{Seq: 3, Body: &clientv1.ClientFrame_Resync{Resync: &clientv1.Resync{Stream: stream}}})
	}
	s.c.send(&clientv1.ClientFrame{Seq: 4, Body: &clientv1.ClientFrame_Resync{Resync: &clientv1.Resync{Stream: 1 << 31}}})
	s.until(func() bool { return s.keys == 2 })
	if f := s.c.ask(ping(5)); f.GetPong() == nil {
		t.Errorf("then came %v", f)
	}
}

// One goroutine and one subscription end after the last viewer.
func TestZoneIsLetGo(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	zoneIn(t, h, 20)
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	s, _ := c.enter(false, nil)
	s.until(func() bool { return len(s.decoders) == 4 })
	_ = c.ws.NetConn().Close()
	eventually(t, func() bool { return h.count(t, "viewed_zones", "") == 0 })
	if n := h.count(t, "viewed_cells", ""); n != 0 {
		t.Errorf("%v cells are followed", n)
	}
	h.bus.mu.Lock()
	defer h.bus.mu.Unlock()
	for topic, subs := range h.bus.subs {
		if len(subs) > 0 {
			t.Errorf("still subscribed to %s", topic)
		}
	}
}

func TestListZones(t *testing.T) {
	h := open(t, nil)
	var zones []*clientv1.Zone
	for i := range 600 {
		zones = append(zones, &clientv1.Zone{Name: fmt.Sprintf("z%03d", i), Width: 10, Height: 10})
	}
	h.world.set("", "", zones...)
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	for _, tc := range []struct {
		prefix    string
		n         int
		truncated bool
	}{{"", 500, true}, {"z0", 100, false}, {"z599", 1, false}, {"zz", 0, false}} {
		got := c.ask(&clientv1.ClientFrame{Seq: 2, Body: &clientv1.ClientFrame_ListZones{ListZones: &clientv1.ListZones{Prefix: tc.prefix}}}).GetZones()
		if len(got.GetZones()) != tc.n || got.GetTruncated() != tc.truncated {
			t.Errorf("%q: %d zones, truncated %v", tc.prefix, len(got.GetZones()), got.GetTruncated())
		}
	}
}

func wantCells(t *testing.T, s *sight, want ...uint32) {
	t.Helper()
	var got []uint32
	for _, cell := range s.cells {
		got = append(got, cell)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("sees cells %v, want %v", got, want)
	}
}
