package simulate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors/group"
	"github.com/holdfast-game/holdfast/actors/player"
	"github.com/holdfast-game/holdfast/actors/zone"
	"github.com/holdfast-game/holdfast/bench/tape"
	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// demand turns what clients sent into what shards are asked for: the commands
// that a gateway sends to the owners. What it answers by itself is none.
type demand struct {
	shards int
	// weights of commands by name; 1 where there is none.
	weights map[string]float64

	conns map[uint64]*caller
	// dwellers counts who is in each zone: gateways tell it every stayEvery.
	dwellers map[string]int
	// owed is what is left of a shard's commands after whole ones were counted.
	owed []float64
	// known are the actors that were ever asked, and actors how many a shard has.
	known  map[cluster.ActorID]struct{}
	actors []uint64
	frame  clientv1.ClientFrame
	seen   seen
}

// seen counts what was on the tape.
type seen struct {
	Requests uint64 `json:"requests"`
	Commands uint64 `json:"commands"`
	Players  int    `json:"players"`
	// Unreadable frames are not those of this protocol.
	Unreadable uint64 `json:"unreadable,omitempty"`
	// Lost records, because the recorder's disk was slow.
	Lost uint64 `json:"lost,omitempty"`
}

// caller is a connection.
type caller struct {
	player string
	zones  map[string]bool
}

const (
	// stayEvery is how often gateways tell a zone of each connection in it.
	stayEvery = 10 * time.Second

	// Commands that clients cause without asking for them.
	commandAttach = "attach" // of a connection's player
	commandStay   = "stay"
)

func newDemand(shards int, weights map[string]float64) *demand {
	return &demand{
		shards: shards, weights: weights, conns: make(map[uint64]*caller), dwellers: make(map[string]int),
		owed: make([]float64, shards), known: make(map[cluster.ActorID]struct{}), actors: make([]uint64, shards),
	}
}

// again begins another passage of the tape: nobody is connected.
func (d *demand) again() {
	clear(d.conns)
	clear(d.dwellers)
}

// take passes on which shard a record of the tape asks for something.
func (d *demand) take(rec *tape.Record, ask func(s cluster.ShardID, commands uint64)) {
	switch rec.Kind {
	case tape.Opened:
		d.conns[rec.Conn] = &caller{player: rec.Player, zones: make(map[string]bool)}
		d.ask(cluster.ActorID{Kind: player.KindName, ID: rec.Player}, commandAttach, 1, ask)
	case tape.Closed:
		d.close(rec.Conn)
	case tape.Dropped:
		d.seen.Lost += rec.Lost
	case tape.Received:
		d.seen.Requests++
		if proto.Unmarshal(rec.Frame, &d.frame) != nil {
			d.seen.Unreadable++
			return
		}
		c := d.conns[rec.Conn]
		if c == nil { // its opening was lost
			c = &caller{player: fmt.Sprintf("connection-%d", rec.Conn), zones: make(map[string]bool)}
			d.conns[rec.Conn] = c
		}
		d.request(c, ask)
	}
}

func (d *demand) close(conn uint64) {
	if c := d.conns[conn]; c != nil {
		for z := range c.zones {
			d.dwellers[z]--
		}
		delete(d.conns, conn)
	}
}

// request is the frame that a connection has sent.
func (d *demand) request(c *caller, ask func(cluster.ShardID, uint64)) {
	to, ok := addressee(c.player, &d.frame)
	if !ok {
		return
	}
	switch b := d.frame.GetBody().(type) {
	case *clientv1.ClientFrame_EnterZone:
		if z := b.EnterZone.GetZone(); !c.zones[z] && !b.EnterZone.GetSpectate() {
			c.zones[z] = true
			d.dwellers[z]++
		}
	case *clientv1.ClientFrame_LeaveZone:
		z := b.LeaveZone.GetZone()
		if !c.zones[z] {
			return // who only looks on looks away, and the zone need not know
		}
		delete(c.zones, z)
		d.dwellers[z]--
	}
	d.ask(to, bodyName(&d.frame), 1, ask)
}

// stay passes on what zones are told of those in them while time passes.
func (d *demand) stay(passed time.Duration, ask func(cluster.ShardID, uint64)) {
	for _, z := range slices.Sorted(maps.Keys(d.dwellers)) {
		if n := d.dwellers[z]; n > 0 {
			d.ask(cluster.ActorID{Kind: zone.KindName, ID: z}, commandStay, float64(n)*passed.Seconds()/stayEvery.Seconds(), ask)
		}
	}
}

// ask counts commands to an actor, whole ones now and the rest later.
func (d *demand) ask(to cluster.ActorID, command string, n float64, ask func(cluster.ShardID, uint64)) {
	s := to.Shard(d.shards)
	if _, known := d.known[to]; !known {
		d.known[to] = struct{}{}
		d.actors[s]++
		if to.Kind == player.KindName {
			d.seen.Players++
		}
	}
	if w, ok := d.weights[command]; ok {
		n *= w
	}
	d.owed[s] += n
	whole := uint64(d.owed[s])
	d.owed[s] -= float64(whole)
	d.seen.Commands += whole
	if whole > 0 {
		ask(s, whole)
	}
}

// addressee is the actor that a gateway sends a frame's command to; false when it
// answers by itself.
func addressee(of string, f *clientv1.ClientFrame) (cluster.ActorID, bool) {
	channel := func(name string) (cluster.ActorID, bool) {
		kind, id, ok := strings.Cut(name, "/")
		return cluster.ActorID{Kind: kind, ID: id}, ok
	}
	switch b := f.GetBody().(type) {
	case *clientv1.ClientFrame_Buy, *clientv1.ClientFrame_GetPlayer:
		return cluster.ActorID{Kind: player.KindName, ID: of}, true
	case *clientv1.ClientFrame_Call:
		return cluster.ActorID{Kind: b.Call.GetKind(), ID: b.Call.GetId()}, b.Call.GetKind() != cluster.ShardKind
	case *clientv1.ClientFrame_EnterZone:
		return cluster.ActorID{Kind: zone.KindName, ID: b.EnterZone.GetZone()}, true
	case *clientv1.ClientFrame_LeaveZone:
		return cluster.ActorID{Kind: zone.KindName, ID: b.LeaveZone.GetZone()}, true
	case *clientv1.ClientFrame_Intent:
		return cluster.ActorID{Kind: zone.KindName, ID: b.Intent.GetZone()}, true
	case *clientv1.ClientFrame_Say:
		return channel(b.Say.GetChannel())
	case *clientv1.ClientFrame_ReadChat:
		return channel(b.ReadChat.GetChannel())
	case *clientv1.ClientFrame_Who:
		return channel(b.Who.GetChannel())
	case *clientv1.ClientFrame_JoinGroup:
		return cluster.ActorID{Kind: group.KindName, ID: b.JoinGroup.GetGroup()}, true
	case *clientv1.ClientFrame_LeaveGroup:
		return cluster.ActorID{Kind: group.KindName, ID: b.LeaveGroup.GetGroup()}, true
	}
	return cluster.ActorID{}, false
}

// bodyName is what the protocol calls a frame's body.
func bodyName(f *clientv1.ClientFrame) string {
	m := f.ProtoReflect()
	field := m.WhichOneof(m.Descriptor().Oneofs().ByName("body"))
	if field == nil {
		return ""
	}
	return string(field.Name())
}

// commandNames are what --weights can weigh: the bodies of frames that go to an
// actor, and what connections cause besides.
var commandNames = []string{
	commandAttach, "buy", "call", "enter_zone", "get_player", "intent", "join_group", "leave_group", "leave_zone",
	"read_chat", "say", commandStay, "who",
}
