package client_test

import (
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/client"
	"github.com/holdfast-game/holdfast/client/clienttest"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

func TestChat(t *testing.T) {
	for _, sub := range []client.Subprotocol{client.Binary, client.JSON} {
		stage := clienttest.NewStage(1)
		c := dial(t, serve(t, stage.Handle), client.Options{Subprotocol: sub})
		ctx := t.Context()
		said, err := c.Say(ctx, &clientv1.Say{Channel: "zone/plaza", Text: "hello"})
		if err != nil || said.GetId() != 7 {
			t.Errorf("Say: got %v, %v", said, err)
		}
		lines, err := c.ReadChat(ctx, "zone/plaza", 3)
		if err != nil || len(lines) != 1 || lines[0].GetId() != 4 {
			t.Errorf("ReadChat: got %v, %v", lines, err)
		}
		who, err := c.Who(ctx, "group/owls")
		if err != nil || who.GetTotal() != 3 || who.GetChannel() != "group/owls" {
			t.Errorf("Who: got %v, %v", who, err)
		}
		joined, err := c.JoinGroup(ctx, "owls")
		if err != nil || joined.GetMembers() != 1 {
			t.Errorf("JoinGroup: got %v, %v", joined, err)
		}
	}
}

// Lines are numbered upwards, above what was used before; a line that has a
// number keeps it.
func TestLinesAreNumbered(t *testing.T) {
	stage := clienttest.NewStage(1)
	c := dial(t, serve(t, stage.Handle), client.Options{})
	began := uint64(time.Now().UnixMilli())
	last := began - 1
	for range 50 {
		line := &clientv1.Say{Channel: "zone/plaza", Text: "hello"}
		if _, err := c.Say(t.Context(), line); err != nil {
			t.Fatal(err)
		}
		if line.GetRequest() <= last {
			t.Fatalf("number %d after %d", line.GetRequest(), last)
		}
		last = line.GetRequest()
	}
	again := &clientv1.Say{Channel: "zone/plaza", Text: "hello", Request: 5}
	if _, err := c.Say(t.Context(), again); err != nil || again.GetRequest() != 5 {
		t.Errorf("got number %d, %v, want 5", again.GetRequest(), err)
	}
}

func TestEventsOfTheWorld(t *testing.T) {
	stage := clienttest.NewStage(1)
	c := dial(t, serve(t, stage.Handle), client.Options{})
	z := enter(t, c, client.EnterOptions{})
	stage.Push(&clientv1.ServerFrame{Body: &clientv1.ServerFrame_Chat{Chat: &clientv1.ChatLine{Id: 3, Text: "hello"}}})
	stage.Push(&clientv1.ServerFrame{Body: &clientv1.ServerFrame_Presence{Presence: &clientv1.Presence{Total: 5}}})
	stage.Push(&clientv1.ServerFrame{Body: &clientv1.ServerFrame_ZoneOwner{ZoneOwner: &clientv1.ZoneOwner{Zone: "plaza", Node: "b"}}})
	if e := <-c.Events(); e.Chat.GetId() != 3 {
		t.Errorf("got %+v, want a line", e)
	}
	if e := <-c.Events(); e.Presence.GetTotal() != 5 {
		t.Errorf("got %+v, want presence", e)
	}
	if e := <-c.Events(); e.Owner.GetNode() != "b" || z.Owner() != "b" {
		t.Errorf("got %+v, want the owner, which is %s", e, z.Owner())
	}
}
