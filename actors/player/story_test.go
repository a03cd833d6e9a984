package player_test

import (
	"flag"
	"strconv"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/actorstest"
	"github.com/holdfast-game/holdfast/actors/player"
	"github.com/holdfast-game/holdfast/actors/stock"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

var rewrite = flag.Bool("rewrite", false, "write the stories anew, as they are told now")

func TestStories(t *testing.T) {
	actorstest.TellStories(t, *rewrite, newStory)
}

// story is a world that is told what to do, line by line.
type story struct {
	t       *testing.T
	w       *actorstest.World
	catalog catalog
	lose    map[string]int // messages to lose, by name
	actorstest.Story
}

func newStory(t *testing.T) *actorstest.Story {
	s := &story{t: t, catalog: make(catalog), lose: make(map[string]int)}
	w, err := actorstest.New(actorstest.Config{
		Delay: time.Millisecond,
		Kinds: []actors.Kind{
			player.Kind(player.Config{Catalog: s.catalog, Start: map[string]int64{"gold": 100}, Orders: 4}),
			stock.Kind(stock.Config{Catalog: s.catalog}),
		},
		Lose:      s.sent,
		Journaled: s.journaled,
		Heard:     func(b actors.Broadcast) { s.Printf("%s: %s", b.Topic, actorstest.Format(b.Body)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.w, s.Do = w, s.do
	s.End = func() {
		if err := w.Verify(); err != nil {
			t.Error(err)
		}
	}
	return &s.Story
}

func (s *story) sent(from, to actors.Ref, body proto.Message) bool {
	name := string(body.ProtoReflect().Descriptor().Name())
	lost := ""
	if s.lose[name] > 0 {
		s.lose[name]--
		lost = " (lost)"
	}
	s.Printf("%s -> %s: %s%s", from, to, actorstest.Format(body), lost)
	return lost != ""
}

// journaled leaves out times and digests.
func (s *story) journaled(ref actors.Ref, event proto.Message) {
	e := proto.Clone(event)
	switch e := e.(type) {
	case *journalv1.PlayerEvent:
		if c := e.GetCompleted(); c != nil {
			c.At, c.Contents = 0, 0
		}
		if d := e.GetDeclined(); d != nil {
			d.At, d.Contents = 0, nil
		}
		if g := e.GetGranted(); g != nil {
			g.At, g.Contents = 0, 0
		}
	case *journalv1.StockEvent:
		if r := e.GetReserved(); r != nil {
			r.At = 0
		}
		if r := e.GetRestocked(); r != nil {
			r.At, r.Contents = 0, 0
		}
		if l := e.GetLent(); l != nil {
			l.At = 0
		}
	}
	s.Printf("%s * %s", ref, actorstest.Format(e))
}

// do carries out one command and lets the world settle.
func (s *story) do(f []string) {
	number := func(i int) int64 {
		if i >= len(f) {
			return 0
		}
		n, err := strconv.ParseInt(f[i], 10, 64)
		if err != nil {
			s.t.Fatalf("%v: %v", f, err)
		}
		return n
	}
	wait := 50 * time.Millisecond
	switch f[0] {
	case "product": // sku price slices limit
		s.catalog[actors.SKU(f[1])] = &clusterv1.Product{
			Sku: f[1], Price: number(2), Currency: "gold", Slices: uint32(number(3)), LimitPerPlayer: number(4),
		}
	case "restock": // slice quantity id
		s.call(actors.Ref{Kind: stock.KindName, ID: f[1]}, stock.MethodRestock, &clusterv1.Restock{Id: f[3], Quantity: number(2)})
	case "level":
		s.call(actors.Ref{Kind: stock.KindName, ID: f[1]}, stock.MethodLevel, &clusterv1.Level{})
	case "grant": // player amount id
		s.call(player.Ref(actors.PlayerID(f[1])), player.MethodGrant, &clusterv1.Grant{Id: f[3], Currency: "gold", Amount: number(2)})
	case "buy": // player request sku quantity max_price
		s.call(player.Ref(actors.PlayerID(f[1])), player.MethodBuy, &clientv1.Buy{
			Request: uint64(number(2)), Sku: f[3], Quantity: number(4), MaxPrice: number(5),
		})
	case "get":
		s.call(player.Ref(actors.PlayerID(f[1])), player.MethodGet, &clientv1.GetPlayer{})
	case "lose": // message times
		s.lose[f[1]] = int(number(2))
		return
	case "crash":
		s.w.Crash(0, 0)
	case "wait":
		d, err := time.ParseDuration(f[1])
		if err != nil {
			s.t.Fatalf("%v: %v", f, err)
		}
		wait = d
	default:
		s.t.Fatalf("%v: no such command", f)
	}
	if err := s.w.Run(wait, nil); err != nil {
		s.t.Fatalf("%v: %v", f, err)
	}
}

func (s *story) call(to actors.Ref, method string, body proto.Message) {
	s.w.Call(actorstest.Call{
		To: to, Method: method, Body: body, Caller: actors.Caller{Player: actors.PlayerID(to.ID), Admin: true},
		Done: func(reply proto.Message, refusal *actors.Refusal) {
			if refusal != nil {
				s.Printf("refused: %v", refusal)
				return
			}
			if b, ok := reply.(*clientv1.Bought); ok {
				b = proto.CloneOf(b)
				b.Order.At = nil
				reply = b
			}
			if p, ok := reply.(*clientv1.Player); ok {
				p = proto.CloneOf(p)
				for _, o := range p.GetOrders() {
					o.At = nil
				}
				reply = p
			}
			s.Printf("answered: %s", actorstest.Format(reply))
		},
	})
}
