package gateway_test

import (
	"fmt"
	"testing"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/gateway"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

func intent(m *clientv1.Intent) *clientv1.ClientFrame {
	return &clientv1.ClientFrame{Seq: 5, Body: &clientv1.ClientFrame_Intent{Intent: m}}
}

func steer(zone string, vx, vy float64) *clientv1.Intent {
	return &clientv1.Intent{Zone: zone, Action: &clientv1.Intent_Steer{Steer: &clientv1.Steer{Vx: vx, Vy: vy}}}
}

func say(channel string, request uint64, text string) *clientv1.ClientFrame {
	return &clientv1.ClientFrame{Seq: 5, Body: &clientv1.ClientFrame_Say{Say: &clientv1.Say{Channel: channel, Request: request, Text: text}}}
}

func joinGroup(group string) *clientv1.ClientFrame {
	return &clientv1.ClientFrame{Seq: 5, Body: &clientv1.ClientFrame_JoinGroup{JoinGroup: &clientv1.JoinGroup{Group: group}}}
}

func leaveGroup(group string) *clientv1.ClientFrame {
	return &clientv1.ClientFrame{Seq: 5, Body: &clientv1.ClientFrame_LeaveGroup{LeaveGroup: &clientv1.LeaveGroup{Group: group}}}
}

// What is said in a group, and who comes and goes, is heard by those who have
// joined it, until they leave.
func TestGroup(t *testing.T) {
	for _, sub := range subprotocols {
		t.Run(sub, func(t *testing.T) {
			h := open(t, nil)
			z := zoneIn(t, h, 0)
			c, other := h.greeted(t, sub, "ann"), h.greeted(t, sub, "bob")
			for _, one := range []*wsClient{c, other} {
				if f := one.ask(joinGroup("owls")); f.GetJoinedGroup().GetGroup() != "owls" || f.GetJoinedGroup().GetMembers() != 3 || f.GetSeq() != 5 {
					t.Fatal(f)
				}
			}
			h.bus.castMessage(t, "chat.group.owls", &clientv1.ChatLine{Channel: "group/owls", Id: 7, Player: "eve", Text: "hi"})
			h.bus.castMessage(t, "group.owls.who", &clientv1.Presence{Channel: "group/owls", Total: 4, Joined: []*clientv1.Person{{Player: "eve"}}})
			for _, one := range []*wsClient{c, other} {
				if f := one.receive(); f.GetSeq() != 0 || f.GetChat().GetText() != "hi" || f.GetChat().GetId() != 7 {
					t.Error(f)
				}
				if f := one.receive(); f.GetSeq() != 0 || f.GetPresence().GetTotal() != 4 {
					t.Error(f)
				}
			}
			if f := c.ask(say("group/owls", 3, "hello")); f.GetSaid().GetId() != 3 {
				t.Error(f)
			}
			if f := c.ask(leaveGroup("owls")); f.GetLeftGroup().GetGroup() != "owls" {
				t.Error(f)
			}
			h.bus.castMessage(t, "chat.group.owls", &clientv1.ChatLine{Channel: "group/owls", Id: 8})
			if f := c.ask(ping(9)); f.GetPong() == nil {
				t.Errorf("after leaving came %v", f)
			}
			if f := other.receive(); f.GetChat().GetId() != 8 {
				t.Error(f)
			}
			_ = other.ws.NetConn().Close()
			eventually(t, func() bool { return h.count(t, "channels", "") == 0 })
			if z.count("Leave") != 1 {
				t.Error("a connection that ends has ended a membership")
			}
		})
	}
}

// In a zone one hears what is said there.
func TestZoneChat(t *testing.T) {
	h := open(t, nil)
	zoneIn(t, h, 0)
	s, _ := h.greeted(t, gateway.SubprotocolJSON, "ann").enter(false, nil)
	s.until(func() bool { return s.keys == 1 })
	h.bus.castMessage(t, "chat.zone.plaza", &clientv1.ChatLine{Channel: "zone/plaza", Id: 1, Player: "bob", Text: "hi"})
	if f := s.c.receive(); f.GetChat().GetText() != "hi" {
		t.Error(f)
	}
	h.bus.cast("chat.zone.plaza", []byte{0xff}) // is nobody's business
	h.bus.castMessage(t, "zone.plaza.who", &clientv1.Presence{Channel: "zone/plaza", Total: 1, Left: []*clientv1.Person{{Player: "bob", Entity: 2}, {Player: "ann", Entity: 99}}})
	if f := s.c.receive(); len(f.GetPresence().GetLeft()) != 2 {
		t.Error(f)
	}
	// That was an earlier stay of the player: this one goes on.
	if f := s.c.ask(ping(9)); f.GetPong() == nil {
		t.Error(f)
	}
}

// Nobody is in more than so many zones and groups.
func TestPlacesAreLimited(t *testing.T) {
	h := open(t, func(c *gateway.Config, _ *house) { c.MaxZones, c.MaxGroups = 1, 2 })
	zoneIn(t, h, 0)
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	wantError(t, c.ask(enter("nowhere", false, nil)), 2, clientv1.Code_CODE_NOT_FOUND) // and gives its place back
	s, _ := c.enter(true, nil)
	s.until(func() bool { return s.keys == 1 })
	wantError(t, c.ask(enter("market", false, nil)), 2, clientv1.Code_CODE_LIMIT_REACHED)
	for i := range 2 {
		if f := c.ask(joinGroup(fmt.Sprint("g", i))); f.GetJoinedGroup() == nil {
			t.Error(f)
		}
		if f := c.ask(joinGroup(fmt.Sprint("g", i))); f.GetJoinedGroup() == nil { // again
			t.Error(f)
		}
	}
	wantError(t, c.ask(joinGroup("g2")), 5, clientv1.Code_CODE_LIMIT_REACHED)
	c.ask(leaveGroup("g1"))
	h.router.answer = func(*cluster.Command) *cluster.Answer {
		return &cluster.Answer{Code: clientv1.Code_CODE_LIMIT_REACHED, Text: "the group is full"}
	}
	wantError(t, c.ask(joinGroup("g3")), 5, clientv1.Code_CODE_LIMIT_REACHED)
	h.router.answer = answerAtOnce
	wantError(t, c.ask(joinGroup("g4")), 5, clientv1.Code_CODE_NOT_FOUND) // there was a place
}

// A client that does not read loses the oldest events, and nothing else.
func TestEventsAreBounded(t *testing.T) {
	h := open(t, narrow)
	zoneIn(t, h, 0)
	c := h.greetedNarrow(t)
	c.ask(joinGroup("owls"))
	for seq := uint64(10); seq < 20; seq++ {
		c.send(listCatalog(seq)) // fills its sockets
	}
	eventually(t, func() bool { return h.count(t, "frames_in_total", "list_catalog") == 10 })
	const n = 500
	for i := range uint64(n) {
		h.bus.castMessage(t, "chat.group.owls", &clientv1.ChatLine{Channel: "group/owls", Id: i + 1, Text: "hi"})
	}
	if h.count(t, "events_dropped_total", "") == 0 {
		t.Fatal("none was dropped")
	}
	catalogs, last := 0, uint64(0)
	for last < n {
		f := c.receive()
		switch {
		case f.GetCatalog() != nil:
			catalogs++
		case f.GetChat().GetId() <= last:
			t.Fatalf("line %d after %d", f.GetChat().GetId(), last)
		default:
			last = f.GetChat().GetId()
		}
	}
	if catalogs != 10 {
		t.Errorf("%d catalogs came", catalogs)
	}
}
