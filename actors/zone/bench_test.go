package zone_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/zone"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// host runs one zone as a host would, without a log.
type host struct {
	tb    testing.TB
	zone  actors.Behaviour
	ref   actors.Ref
	env   actors.Env
	msg   actors.Message
	out   actors.Decision
	bytes int
	count int
	cast  func(topic string, frame []byte)
}

func newHost(tb testing.TB, spec *clusterv1.ZoneSpec) *host {
	kind := zone.Kind(zone.Config{})
	h := &host{tb: tb, ref: zone.Ref(spec.GetZone().GetName()), env: actors.Env{Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Epoch: 1}}
	h.zone = kind.New(h.ref.ID)
	h.cast = func(_ string, frame []byte) {
		h.count++
		h.bytes += len(frame)
	}
	h.call("", zone.MethodOpen, &clusterv1.OpenZone{Spec: spec})
	return h
}

func (h *host) turn() proto.Message {
	h.out.Reset()
	if err := h.zone.Decide(&h.env, &h.msg, &h.out); err != nil {
		h.tb.Fatalf("%s: %v", h.msg.Method, err)
	}
	for _, e := range h.out.Events {
		if err := h.zone.Apply(e); err != nil {
			h.tb.Fatal(err)
		}
	}
	h.zone.(actors.Volatile).ApplyVolatile(h.out.Volatile)
	h.zone.(actors.Caster).Cast(h.cast)
	if len(h.out.Replies) == 0 {
		return nil
	}
	return h.out.Replies[0].Body
}

func (h *host) call(player actors.PlayerID, method string, body proto.Message) proto.Message {
	h.msg = actors.Message{Self: h.ref, Method: method, Caller: actors.Caller{Player: player, Admin: player == ""}, Body: body, ReplyTo: h}
	return h.turn()
}

// tick lets time pass until the zone's timer, and lets it ring.
func (h *host) tick() {
	at, ok := h.zone.(actors.Timed).NextTimer()
	if !ok {
		h.tb.Fatal("the zone has no timer")
	}
	if at.After(h.env.Now) {
		h.env.Now = at
	}
	h.msg = actors.Message{Self: h.ref, Timer: true}
	h.turn()
}

func spec(name string, side, cell, bots uint32, mood clusterv1.BotMood) *clusterv1.ZoneSpec {
	return &clusterv1.ZoneSpec{
		Zone: &clientv1.Zone{Name: name, Width: side, Height: side, Cell: cell, Hz: 20, MaxSpeed: 6, MaxPlayers: 10},
		Bots: bots, Mood: mood,
	}
}

// BenchmarkTick is all that a zone does in a tick, frames included.
func BenchmarkTick(b *testing.B) {
	for _, c := range []struct {
		side, cell, bots uint32
		mood             clusterv1.BotMood
	}{
		{40, 0, 10, clusterv1.BotMood_BOT_MOOD_WANDER},
		{100, 0, 200, clusterv1.BotMood_BOT_MOOD_WANDER},
		{100, 0, 200, clusterv1.BotMood_BOT_MOOD_BRAWL},
		{100, 0, 200, clusterv1.BotMood_BOT_MOOD_IDLE},
		{1000, 50, 2000, clusterv1.BotMood_BOT_MOOD_WANDER},
	} {
		b.Run(fmt.Sprintf("%d-%s-%d", c.bots, c.mood, c.cell), func(b *testing.B) {
			h := newHost(b, spec("bench", c.side, c.cell, c.bots, c.mood))
			for range 400 {
				h.tick()
			}
			h.bytes, h.count = 0, 0
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				h.tick()
			}
			b.ReportMetric(float64(h.bytes)/float64(b.N), "bytes/tick")
			b.ReportMetric(float64(h.count)/float64(b.N), "frames/tick")
		})
	}
}
