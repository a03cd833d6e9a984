package simulate

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/holdfast-game/holdfast/bench/tape"
	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// Every frame that a client can send either goes to an actor, and can be weighed,
// or is answered by the gateway.
func TestAddressees(t *testing.T) {
	answered := []string{"hello", "ping", "list_catalog", "watch", "list_zones", "resync"}
	fields := new(clientv1.ClientFrame).ProtoReflect().Descriptor().Oneofs().ByName("body").Fields()
	for i := range fields.Len() {
		f, field := new(clientv1.ClientFrame), fields.Get(i)
		body := f.ProtoReflect().NewField(field)
		if channel := body.Message().Descriptor().Fields().ByName("channel"); channel != nil {
			body.Message().Set(channel, protoreflect.ValueOfString("zone/arena"))
		}
		f.ProtoReflect().Set(field, body)
		_, ok := addressee("p", f)
		if name := bodyName(f); ok != slices.Contains(commandNames, name) || ok == slices.Contains(answered, name) {
			t.Errorf("%s goes to an actor: %v", name, ok)
		}
	}
	if !slices.IsSorted(commandNames) {
		t.Errorf("the names are not sorted: %q", commandNames)
	}
}

func TestDemand(t *testing.T) {
	d := newDemand(testShards, map[string]float64{"intent": 0.4})
	asked := make(map[cluster.ShardID]uint64)
	ask := func(s cluster.ShardID, n uint64) { asked[s] += n }
	send := func(conn uint64, f *clientv1.ClientFrame) {
		t.Helper()
		b, err := proto.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		d.take(&tape.Record{Kind: tape.Received, Conn: conn, Frame: b}, ask)
	}
	at := func(kind, id string) cluster.ShardID { return cluster.ActorID{Kind: kind, ID: id}.Shard(testShards) }
	expect := func(what string, kind, id string, want uint64) {
		t.Helper()
		if got := asked[at(kind, id)]; got != want {
			t.Errorf("%s: %s/%s was asked %d times, want %d", what, kind, id, got, want)
		}
		clear(asked)
	}
	ann, arena := dweller(3, 0), "arena"
	d.take(&tape.Record{Kind: tape.Opened, Conn: 1, Player: ann}, ask)
	expect("greeted", "player", ann, 1)
	send(1, &clientv1.ClientFrame{Seq: 1, Body: &clientv1.ClientFrame_Ping{Ping: new(clientv1.Ping)}})
	if len(asked) != 0 {
		t.Errorf("a ping asks %v", asked)
	}
	send(1, &clientv1.ClientFrame{Seq: 2, Body: &clientv1.ClientFrame_Buy{Buy: &clientv1.Buy{Sku: "sword"}}})
	expect("bought", "player", ann, 1)
	send(1, &clientv1.ClientFrame{Seq: 3, Body: &clientv1.ClientFrame_EnterZone{EnterZone: &clientv1.EnterZone{Zone: arena}}})
	expect("entered", "zone", arena, 1)
	for range 5 {
		send(1, &clientv1.ClientFrame{Seq: 4, Body: &clientv1.ClientFrame_Intent{Intent: &clientv1.Intent{Zone: arena}}})
	}
	expect("weighed", "zone", arena, 2)
	for range 300 {
		d.stay(100*time.Millisecond, ask)
	}
	if got := asked[at("zone", arena)]; got < 2 || got > 3 {
		t.Errorf("in 30 s the zone was told %d times that somebody is there, want 3", got)
	}
	clear(asked)
	d.take(&tape.Record{Kind: tape.Closed, Conn: 1}, ask)
	d.stay(time.Minute, ask)
	send(2, &clientv1.ClientFrame{Seq: 3, Body: &clientv1.ClientFrame_EnterZone{EnterZone: &clientv1.EnterZone{Zone: arena, Spectate: true}}})
	clear(asked)
	d.stay(time.Minute, ask)
	send(2, &clientv1.ClientFrame{Seq: 4, Body: &clientv1.ClientFrame_LeaveZone{LeaveZone: &clientv1.LeaveZone{Zone: arena}}})
	if len(asked) != 0 {
		t.Errorf("nobody is there, and it asks %v", asked)
	}
	d.take(&tape.Record{Kind: tape.Received, Conn: 2, Frame: []byte{0xff}}, ask)
	d.take(&tape.Record{Kind: tape.Dropped, Lost: 7}, ask)
	if d.seen.Unreadable != 1 || d.seen.Lost != 7 || d.seen.Players != 1 {
		t.Errorf("got %+v", d.seen)
	}
}
