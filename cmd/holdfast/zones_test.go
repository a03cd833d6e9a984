package main

import (
	"strings"
	"testing"

	"github.com/holdfast-game/holdfast/client"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/datadir"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// visit connects a player to a node.
func (p *process) visit(player string) *client.Conn {
	p.t.Helper()
	n, err := datadir.ReadNodeFile(p.data)
	if err != nil {
		p.t.Fatal(err)
	}
	token := strings.TrimSpace(mustRun(p.t, "token", "--player", player, "--data", p.data))
	c, err := client.Dial(p.t.Context(), "ws://"+n.Listen+"/v1/ws", client.Options{Token: token})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = c.Close() })
	return c
}

// row returns the words of `ctl zone list` about one zone, none if it is not
// listed.
func (p *process) row(zone string) []string {
	p.t.Helper()
	for line := range strings.Lines(mustRun(p.t, "ctl", "zone", "list", "--data", p.data)) {
		if words := strings.Fields(line); words[0] == zone {
			return words
		}
	}
	return nil
}

func TestZones(t *testing.T) {
	file := write(t, "zones.yaml", "arena: {width: 40, height: 30, mood: brawl, bots: 3}\n")
	data := t.TempDir()
	args := []string{"--node=a", "--play=false", "--zones", file}
	n := startNode(t, data, args...)
	n.await("open the zone of the file", func() bool { return n.row("arena") != nil })
	if got := mustRun(t, "ctl", "zone", "put", "moor", "--width=200", "--height=100", "--cell=20", "--bots=10", "--data", data); !strings.Contains(got, "moor is open: 200 x 100 units") {
		t.Errorf("put: %s", got)
	}
	mustRun(t, "ctl", "zone", "put", "arena", "--width=50", "--height=30", "--data", data) // and no bots

	c := n.visit("ann")
	arena, err := c.EnterZone(t.Context(), "arena", client.EnterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if z := arena.Zone(); z.GetWidth() != 50 || arena.Entity() == 0 || arena.Owner() != "a" {
		t.Errorf("entered %v as %d on %q", z, arena.Entity(), arena.Owner())
	}
	if _, err := c.Walk(t.Context(), "arena", 50, 30); err != nil {
		t.Fatal(err)
	}
	var me client.Entity
	for me.X < 1 { // it has been seen
		select {
		case <-arena.Updates():
		case <-t.Context().Done():
			t.Fatal("nothing is seen of the arena")
		}
		for _, e := range arena.Entities(nil) {
			if e.ID == arena.Entity() {
				me = e
			}
		}
	}
	n.await("count the player", func() bool {
		words := n.row("arena")
		return len(words) == 13 && strings.Join(words[1:4], "") == "50x30" && words[7] == "1"
	})

	// What operators have changed stays, whatever the file says.
	n.stop()
	n = startNode(t, data, args...)
	if words := n.row("arena"); len(words) != 13 || words[1] != "50" || words[9] != "0" || words[12] != "a" {
		t.Errorf("after a restart: %q", words)
	}
	mustRun(t, "ctl", "zone", "remove", "arena", "--data", data)
	n.await("forget the zone", func() bool { return n.row("arena") == nil })
	if r := run(t, "ctl", "zone", "remove", "arena", "--data", data); r.status != 5 {
		t.Errorf("removed again: %+v, want status 5", r)
	}
	_, err = n.visit("bob").EnterZone(t.Context(), "arena", client.EnterOptions{})
	if client.CodeOf(err) != clientv1.Code_CODE_NOT_FOUND {
		t.Errorf("entered a zone that was removed: %v", err)
	}
}
