package gateway

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// The kinds of actors that the gateway itself knows: the rest is behind Call.
const (
	kindPlayer = "player"
	kindStock  = "stock"
	kindZone   = "zone"
	kindGroup  = "group"
)

// handle answers the frame in s.in, or has it answered. False: the connection
// is closing.
func (s *session) handle() bool {
	seq := s.in.GetSeq()
	if wait := s.throttle(); wait > 0 {
		return s.say(retryLater(seq, clientv1.Code_CODE_RATE_LIMITED, wait,
			"more than %g requests per second", s.g.cfg.RequestsPerSecond))
	}
	if seq == 0 {
		return s.invalid(0, "seq must not be 0")
	}
	switch b := s.in.GetBody().(type) {
	case *clientv1.ClientFrame_Buy:
		return s.buy(seq, b.Buy)
	case *clientv1.ClientFrame_GetPlayer:
		return s.send(seq, methodGetPlayer, cluster.Command{
			To:     cluster.ActorID{Kind: kindPlayer, ID: s.player},
			Method: "Get",
			Body:   b.GetPlayer,
		})
	case *clientv1.ClientFrame_Call:
		return s.call(seq, b.Call)
	case *clientv1.ClientFrame_Ping:
		return s.say(&clientv1.ServerFrame{Seq: seq, Body: &clientv1.ServerFrame_Pong{
			Pong: &clientv1.Pong{ServerTime: timestamppb.New(s.now)},
		}})
	case *clientv1.ClientFrame_ListCatalog:
		return s.say(&clientv1.ServerFrame{Seq: seq, Body: &clientv1.ServerFrame_Catalog{
			Catalog: s.g.shelf.list(b.ListCatalog.GetPrefix()),
		}})
	case *clientv1.ClientFrame_Watch:
		return s.watch(seq, b.Watch.GetSkus())
	case *clientv1.ClientFrame_Intent:
		return s.intend(seq, b.Intent)
	case *clientv1.ClientFrame_EnterZone:
		return s.enterZone(seq, b.EnterZone)
	case *clientv1.ClientFrame_LeaveZone:
		return s.leaveZone(seq, b.LeaveZone)
	case *clientv1.ClientFrame_Resync:
		s.stayed().resync(b.Resync.GetStream())
		return true
	case *clientv1.ClientFrame_ListZones:
		return s.say(&clientv1.ServerFrame{Seq: seq, Body: &clientv1.ServerFrame_Zones{
			Zones: listZones(s.g.world.Zones(), b.ListZones.GetPrefix()),
		}})
	case *clientv1.ClientFrame_Say:
		return s.sayIn(seq, b.Say)
	case *clientv1.ClientFrame_ReadChat:
		return s.ofChannel(seq, methodReadChat, "ReadChat", b.ReadChat.GetChannel(), b.ReadChat)
	case *clientv1.ClientFrame_Who:
		return s.ofChannel(seq, methodWho, "Who", b.Who.GetChannel(), b.Who)
	case *clientv1.ClientFrame_JoinGroup:
		return s.joinGroup(seq, b.JoinGroup.GetGroup())
	case *clientv1.ClientFrame_LeaveGroup:
		return s.leaveGroup(seq, b.LeaveGroup.GetGroup())
	case *clientv1.ClientFrame_Hello:
		return s.invalid(seq, "the session is open already; another player needs another connection")
	default:
		return s.invalid(seq, "the frame has no body that this gateway knows")
	}
}

// throttle says how long the client should have waited, 0 when it may go on.
func (s *session) throttle() time.Duration {
	if s.limiter == nil {
		return 0
	}
	r := s.limiter.ReserveN(s.now, 1)
	wait := r.DelayFrom(s.now)
	if wait > 0 {
		r.CancelAt(s.now)
	}
	return wait
}

func (s *session) invalid(seq uint64, format string, args ...any) bool {
	return s.say(refuse(seq, clientv1.Code_CODE_INVALID_ARGUMENT, format, args...))
}

func (s *session) buy(seq uint64, b *clientv1.Buy) bool {
	if err := validateBuy(b); err != nil {
		return s.invalid(seq, "%s", err)
	}
	return s.send(seq, methodBuy, cluster.Command{
		To:      cluster.ActorID{Kind: kindPlayer, ID: s.player},
		Request: b.GetRequest(),
		Method:  "Buy",
		Body:    b,
	})
}

func (s *session) call(seq uint64, c *clientv1.Call) bool {
	if err := validateCall(c); err != nil {
		return s.invalid(seq, "%s", err)
	}
	if c.GetKind() == cluster.ShardKind {
		// Whole shards answer operators only, who do not come this way.
		return s.say(refuse(seq, clientv1.Code_CODE_NOT_FOUND, "there is no kind %q", c.GetKind()))
	}
	return s.send(seq, methodCall, cluster.Command{
		To:      cluster.ActorID{Kind: c.GetKind(), ID: c.GetId()},
		Request: c.GetRequest(),
		Method:  c.GetMethod(),
		Payload: c.GetPayload(),
	})
}
