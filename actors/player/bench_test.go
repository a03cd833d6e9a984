package player_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/player"
	"github.com/holdfast-game/holdfast/actors/stock"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// loop carries messages between one set of actors, as a host would, without
// faults, encoding or a log.
type loop struct {
	tb     testing.TB
	env    actors.Env
	actors map[actors.Ref]actors.Behaviour
	kinds  map[string]actors.Kind
	out    actors.Decision
	msg    actors.Message
	queue  []actors.Send
	from   []actors.Ref
	events int
	turns  int
	reply  actors.Reply
}

func newLoop(tb testing.TB, kinds ...actors.Kind) *loop {
	l := &loop{
		tb: tb, actors: make(map[actors.Ref]actors.Behaviour), kinds: make(map[string]actors.Kind),
		env: actors.Env{Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Local: func(actors.Ref) bool { return true }},
	}
	for _, k := range kinds {
		l.kinds[k.Name] = k
	}
	return l
}

func (l *loop) actor(ref actors.Ref) actors.Behaviour {
	b := l.actors[ref]
	if b == nil {
		b = l.kinds[ref.Kind].New(ref.ID)
		l.actors[ref] = b
	}
	return b
}

// call delivers a command and everything that comes of it.
func (l *loop) call(to actors.Ref, body proto.Message) actors.Reply {
	l.msg = actors.Message{Self: to, Method: "x", Body: body, ReplyTo: l}
	l.reply = actors.Reply{}
	l.turn(to)
	for i := 0; i < len(l.queue); i++ {
		s, from := l.queue[i], l.from[i]
		l.msg = actors.Message{Self: s.To, From: from, Body: s.Body}
		l.turn(s.To)
	}
	l.queue, l.from = l.queue[:0], l.from[:0]
	return l.reply
}

func (l *loop) turn(to actors.Ref) {
	b := l.actor(to)
	l.turns++
	l.out.Reset()
	if err := b.Decide(&l.env, &l.msg, &l.out); err != nil {
		l.tb.Fatalf("%s: %v", to, err)
	}
	for _, e := range l.out.Events {
		l.events++
		if err := b.Apply(e); err != nil {
			l.tb.Fatalf("%s: %v", to, err)
		}
	}
	b.(actors.Volatile).ApplyVolatile(l.out.Volatile)
	_, _ = b.(actors.Timed).NextTimer()
	for _, s := range l.out.Sends {
		l.queue, l.from = append(l.queue, s), append(l.from, to)
	}
	if len(l.out.Replies) > 0 {
		l.reply = l.out.Replies[0]
	}
}

func newStockedLoop(tb testing.TB, slices uint32, units int64) *loop {
	c := catalog{"sword": {Sku: "sword", Price: 1, Currency: "gold", Slices: slices}}
	l := newLoop(tb,
		player.Kind(player.Config{Catalog: c, Start: map[string]int64{"gold": 1 << 40}}),
		stock.Kind(stock.Config{Catalog: c}),
	)
	for i := range slices {
		l.call(stock.Ref("sword", i), &clusterv1.Restock{Id: "all", Quantity: units / int64(slices)})
	}
	return l
}

// BenchmarkPurchase is all that actors do for one purchase: decide, apply and
// timers of player and slice, and the answer. Half the players buy again and
// again, which is what fills tables.
func BenchmarkPurchase(b *testing.B) {
	l := newStockedLoop(b, 4, 1<<40)
	refs := make([]actors.Ref, 512)
	for i := range refs {
		refs[i] = player.Ref(actors.PlayerID(fmt.Sprintf("player-%d", i)))
	}
	var number uint64
	buys := make([]clientv1.Buy, 4096) // the gateway has decoded them
	b.ReportAllocs()
	b.ResetTimer()
	l.events = 0
	for i := range b.N {
		if i%len(refs) == 0 {
			number++
			l.env.Now = l.env.Now.Add(time.Millisecond)
		}
		buy := &buys[i%len(buys)]
		buy.Request, buy.Sku, buy.Quantity = number, "sword", 1
		if r := l.call(refs[i%len(refs)], buy); r.Refusal != nil || r.Body == nil {
			b.Fatalf("purchase %d of %s: %v", number, refs[i%len(refs)], r.Refusal)
		}
	}
	b.ReportMetric(float64(l.events)/float64(b.N), "events/op")
}

// BenchmarkSoldOut is a request for what is gone: most of a flash sale.
func BenchmarkSoldOut(b *testing.B) {
	l := newStockedLoop(b, 8, 8)
	b.ReportAllocs()
	b.ResetTimer()
	l.turns = 0
	for i := range b.N {
		if i%60 == 0 {
			l.env.Now = l.env.Now.Add(time.Millisecond)
		}
		l.call(player.Ref(actors.PlayerID(fmt.Sprintf("player-%d", i))), &clientv1.Buy{Request: 1, Sku: "sword", Quantity: 1})
	}
	b.ReportMetric(float64(l.turns)/float64(b.N), "turns/op")
}
