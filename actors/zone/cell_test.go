package zone

import (
	"fmt"
	"testing"
	"time"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

func TestCellsHaveHysteresis(t *testing.T) {
	g := newGrid(&clientv1.Zone{Width: 45, Height: 30, Cell: 20})
	if g.cols != 3 || g.rows != 2 {
		t.Fatalf("%d columns, %d rows", g.cols, g.rows)
	}
	for _, test := range []struct {
		x, y float64
		cell uint32
	}{{0, 0, 0}, {19.9, 0, 0}, {20, 0, 1}, {45, 0, 2}, {45, 30, 5}, {0, 20, 3}} {
		if got := g.at(test.x, test.y); got != test.cell {
			t.Errorf("at %g %g is cell %d, want %d", test.x, test.y, got, test.cell)
		}
	}
	for _, test := range []struct {
		x, y float64
		left bool
	}{{20, 10, false}, {17.6, 10, false}, {17.4, 10, true}, {42.4, 10, false}, {42.6, 10, true}, {30, 22.4, false}, {30, 22.6, true}} {
		if got := g.left(1, test.x, test.y); got != test.left {
			t.Errorf("%g %g has left cell 1: %v", test.x, test.y, got)
		}
	}
}

func TestQuietCellsClose(t *testing.T) {
	r := newRig(t, yard(100, 10, 0))
	r.want("bob", MethodKey, &clusterv1.ZoneKey{Cell: 99})
	if got := fmt.Sprint(r.frames); got != "[zone.yard.99]" {
		t.Errorf("the keyframe is shown on %s", got)
	}
	frames := r.meter.frames
	r.wait(9 * time.Second)
	if got := r.meter.frames - frames; got < 8 || got > 9 {
		t.Errorf("%d frames in nine seconds of an empty cell, want one each second", got)
	}
	r.want("bob", MethodKey, &clusterv1.ZoneKey{Cell: 99})
	r.wait(9 * time.Second)
	if r.z.world == nil {
		t.Fatal("the world is gone while somebody looks")
	}
	r.wait(5 * time.Second)
	if _, timer := r.z.NextTimer(); r.z.world != nil || r.z.Busy() || timer {
		t.Error("a zone with nobody in it and nobody looking does not sleep")
	}
}

// TestStreamsOfACellFollowEachOther: whoever sees both takes the newer for newer.
func TestStreamsOfACellFollowEachOther(t *testing.T) {
	r := newRig(t, yard(40, 0, 1))
	r.wait(time.Second)
	before := r.z.world.cells[0].stream.encoder.Header()
	newer := func(what string) {
		t.Helper()
		h := r.z.world.cells[0].stream.encoder.Header()
		if !h.Time().After(before.Time()) || h.Start.Equal(before.Start) {
			t.Errorf("%s: a stream of %v comes after one of %v", what, h, before)
		}
		before = h
	}
	r.want("", MethodOpen, &clusterv1.OpenZone{Spec: yard(50, 0, 1)})
	r.want("bob", MethodKey, &clusterv1.ZoneKey{}) // at the very moment of a tick
	newer("after the zone has become another")
	r.want("", MethodClose, &clusterv1.CloseZone{})
	r.wait(0)
	if r.z.world != nil {
		t.Fatal("a closed zone has a world")
	}
	r.want("", MethodOpen, &clusterv1.OpenZone{Spec: yard(50, 0, 1)})
	r.want("bob", MethodKey, &clusterv1.ZoneKey{})
	newer("after it was closed")
}
