package zone_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/actorstest"
	"github.com/holdfast-game/holdfast/actors/zone"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

const goldenFile = "testdata/journal-v1.golden"

// TestJournalIsReadableForEver replays events that an earlier version wrote, and
// compares the states with the ones they gave then. When there are new kinds of
// events, another file is added; this one stays.
func TestJournalIsReadableForEver(t *testing.T) {
	if *rewrite {
		writeGolden(t)
	}
	actorstest.CheckGolden(t, goldenFile, zone.Kind(zone.Config{}))
}

// writeGolden makes every kind of event happen.
func writeGolden(t *testing.T) {
	var golden actorstest.Golden
	w, err := actorstest.New(actorstest.Config{Kinds: []actors.Kind{zone.Kind(zone.Config{})}, Journaled: golden.Event})
	if err != nil {
		t.Fatal(err)
	}
	call := func(zoneName, player, method string, body proto.Message) {
		w.Call(actorstest.Call{
			To: zone.Ref(zoneName), Method: method, Body: body,
			Caller: actors.Caller{Player: actors.PlayerID(player), Admin: player == ""},
		})
		if err := w.Run(time.Second, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"yard", "hall"} {
		call(name, "", zone.MethodOpen, &clusterv1.OpenZone{Spec: spec(name, 40, 10, 2, clusterv1.BotMood_BOT_MOOD_WANDER)})
		call(name, "ann", zone.MethodEnter, &clusterv1.ZoneEnter{})
		call(name, "bob", zone.MethodEnter, &clusterv1.ZoneEnter{})
		call(name, "cid", zone.MethodEnter, &clusterv1.ZoneEnter{})
		call(name, "ann", zone.MethodSay, &clientv1.Say{Request: 7, Text: "hello"})
		call(name, "bob", zone.MethodLeave, &clusterv1.ZoneLeave{})
		call(name, "ann", zone.MethodIntend, &clientv1.Intent{Action: &clientv1.Intent_Steer{Steer: &clientv1.Steer{Vx: 0.5, Vy: 0.25}}})
		w.HandOver(0, time.Second)
		call(name, "", zone.MethodOpen, &clusterv1.OpenZone{Spec: spec(name, 60, 20, 1, clusterv1.BotMood_BOT_MOOD_BRAWL)})
	}
	call("hall", "", zone.MethodClose, &clusterv1.CloseZone{})
	for range 25 { // until cid, who is silent, has left
		call("yard", "ann", zone.MethodStay, &clusterv1.ZoneStay{})
	}
	w.HandOver(0, 0)
	if err := w.Run(0, nil); err != nil { // "yard" is there again, and still parked
		t.Fatal(err)
	}
	golden.States(w)
	golden.Write(t, goldenFile)
}
