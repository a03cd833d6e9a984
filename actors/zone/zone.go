package zone

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/chat"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// zone is one zone.
type zone struct {
	cfg *Config
	ref actors.Ref
	bad error // the name cannot be that of a zone: nothing is here

	// Journaled.
	spec   *clusterv1.ZoneSpec // nil when the zone is not open; never changed in place
	last   uint32              // the last entity given to a player
	people chat.People
	chat   chat.Channel
	parked *journalv1.ZoneParked

	// Volatile.
	world *world // nil when nobody is there and nobody looks, and before the first message
	after int64  // see world
	news  news

	// Used over and over by Decide, whose results the host does not keep.
	change change
}

func newZone(cfg *Config, id string) *zone {
	return &zone{cfg: cfg, ref: Ref(id), bad: chat.CheckRef(Ref(id))}
}

// Decide implements actors.Behaviour.
func (z *zone) Decide(env *actors.Env, msg *actors.Message, out *actors.Decision) error {
	if z.bad != nil {
		return z.bad
	}
	z.change = change{now: env.Now}
	out.Volatile = &z.change
	if msg.Parting {
		return z.decideParting(env, out)
	}
	z.unpark(env, out)
	if msg.Timer {
		return z.decideTimer(env, out)
	}
	switch body := msg.Body.(type) {
	case *clusterv1.OpenZone:
		return z.decideOpen(msg, body, out)
	case *clusterv1.CloseZone:
		return z.decideClose(msg, out)
	}
	if z.spec == nil {
		return actors.Refusef(clientv1.Code_CODE_NOT_FOUND, "there is no zone %s", z.ref.ID)
	}
	switch body := msg.Body.(type) {
	case *clusterv1.ZoneEnter:
		return z.decideEnter(env, msg, body, out)
	case *clusterv1.ZoneLeave:
		return z.decideLeave(msg, out)
	case *clusterv1.ZoneStay:
		return z.decideStay(env, msg, out)
	case *clientv1.Intent:
		return z.decideIntent(env, msg, body, out)
	case *clusterv1.ZoneKey:
		return z.decideKey(env, msg, body, out)
	case *clientv1.Who:
		out.Reply(msg.ReplyTo, z.people.Present(z.ref))
		return nil
	case *clientv1.Say:
		return z.decideSay(env, msg, body, out)
	case *clientv1.ReadChat:
		return z.decideReadChat(msg, body, out)
	}
	return fmt.Errorf("zone %s: unexpected message %T", z.ref.ID, msg.Body)
}

// Apply implements actors.Behaviour. The world, if it is there, follows at once;
// where it has to know the time, ApplyVolatile sees to it.
func (z *zone) Apply(event proto.Message) error {
	e, ok := event.(*journalv1.ZoneEvent)
	if !ok {
		return fmt.Errorf("apply %T to zone %s: not an event of this kind", event, z.ref.ID)
	}
	if err := z.apply(e); err != nil {
		return fmt.Errorf("apply to zone %s: %w", z.ref.ID, err)
	}
	return nil
}

func (z *zone) apply(e *journalv1.ZoneEvent) error {
	if z.spec == nil && e.GetOpened() == nil {
		return fmt.Errorf("%T: the zone is not open", e.GetChange())
	}
	switch c := e.GetChange().(type) {
	case *journalv1.ZoneEvent_Opened:
		return z.applyOpened(c.Opened)
	case *journalv1.ZoneEvent_Closed:
		z.spec, z.people, z.parked = nil, nil, nil
	case *journalv1.ZoneEvent_Joined:
		return z.applyJoined(c.Joined)
	case *journalv1.ZoneEvent_Left:
		return z.applyLeft(c.Left)
	case *journalv1.ZoneEvent_Said:
		return z.chat.Apply(c.Said)
	case *journalv1.ZoneEvent_Parked:
		z.parked = proto.CloneOf(c.Parked)
	case *journalv1.ZoneEvent_Unparked:
		z.parked = nil
	default:
		return fmt.Errorf("unknown change %T", c)
	}
	return nil
}

// populated says whether there is anybody to be moved.
func (z *zone) populated() bool { return z.spec != nil && (len(z.people) > 0 || z.spec.GetBots() > 0) }

// Accounts implements actors.Accountant.
func (z *zone) Accounts(add func(account string, amount int64)) {
	if z.spec != nil {
		add("zone/players", int64(len(z.people)))
	}
}

// Timers may run early by a rounding of the host's.
const early = time.Millisecond

// passed says whether a moment in Unix nanoseconds has come.
func passed(now time.Time, at int64) bool { return now.UnixNano()+int64(early) > at }
