package gateway_test

import (
	"fmt"
	"testing"

	"github.com/holdfast-game/holdfast/gateway"
)

func topicOf(cell uint32) string { return fmt.Sprintf("zone.plaza.%d", cell) }

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
