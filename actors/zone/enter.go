package zone

import (
	"fmt"
	"slices"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/chat"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// decideEnter gives a player an entity, or tells them the one that they have.
func (z *zone) decideEnter(env *actors.Env, msg *actors.Message, m *clusterv1.ZoneEnter, out *actors.Decision) error {
	entered := &clusterv1.ZoneEntered{Spec: z.spec, Players: uint32(len(z.people))}
	if m.GetSpectate() {
		out.Reply(msg.ReplyTo, entered)
		return nil
	}
	w := z.look(env)
	if who, there := z.people.Find(msg.Caller.Player); there {
		z.change.heard = who.Entity
		entered.Entity, entered.At = who.Entity, w.find(who.Entity).at()
		out.Reply(msg.ReplyTo, entered)
		return nil
	}
	if most := z.spec.GetZone().GetMaxPlayers(); len(z.people) >= int(most) {
		return actors.Refusef(clientv1.Code_CODE_LIMIT_REACHED, "zone %s has room for %d players", z.ref.ID, most)
	}
	who := chat.Person{Player: msg.Caller.Player, Entity: z.nextEntity(), At: env.Now.UnixNano()}
	out.Event(&journalv1.ZoneEvent{Change: &journalv1.ZoneEvent_Joined{Joined: &journalv1.ZoneJoined{
		Player: string(who.Player), Entity: who.Entity, At: who.At,
	}}})
	z.change.joined = who
	x, y := w.birthplace(who.Entity)
	entered.Entity, entered.Players, entered.At = who.Entity, entered.GetPlayers()+1, &clientv1.Point{X: x, Y: y}
	out.Reply(msg.ReplyTo, entered)
	return nil
}

// nextEntity is a number that nobody here has, as far as may be from those that
// were given before.
func (z *zone) nextEntity() uint32 {
	for id := z.last; ; {
		if id++; id >= firstBot {
			id = 1
		}
		if !slices.ContainsFunc(z.people, func(p chat.Person) bool { return p.Entity == id }) {
			return id
		}
	}
}

func (z *zone) applyJoined(e *journalv1.ZoneJoined) error {
	if e.GetEntity() == 0 || e.GetEntity() >= firstBot {
		return fmt.Errorf("player %q joins with entity %d", e.GetPlayer(), e.GetEntity())
	}
	who := chat.Person{Player: actors.PlayerID(e.GetPlayer()), Entity: e.GetEntity(), At: e.GetAt()}
	if err := z.people.Join(who); err != nil {
		return err
	}
	z.last = who.Entity
	if z.world != nil {
		z.world.join(who.Entity, who.At)
	}
	return nil
}

// decideLeave takes a player's entity away. Who is not there has left already.
func (z *zone) decideLeave(msg *actors.Message, out *actors.Decision) error {
	if who, there := z.people.Find(msg.Caller.Player); there {
		z.leave(who, journalv1.ZoneLeftWhy_ZONE_LEFT_WHY_ASKED, out)
	}
	out.Reply(msg.ReplyTo, &clusterv1.ZoneLeft{})
	return nil
}

func (z *zone) leave(who chat.Person, why journalv1.ZoneLeftWhy, out *actors.Decision) {
	out.Event(&journalv1.ZoneEvent{Change: &journalv1.ZoneEvent_Left{Left: &journalv1.ZoneLeft{Player: string(who.Player), Why: why}}})
	z.change.left = append(z.change.left, who)
}

func (z *zone) applyLeft(e *journalv1.ZoneLeft) error {
	who, err := z.people.Leave(actors.PlayerID(e.GetPlayer()))
	if err != nil {
		return err
	}
	if z.world != nil {
		z.world.leave(who.Entity)
	}
	return nil
}

// decideStay notes that a player is still connected.
func (z *zone) decideStay(env *actors.Env, msg *actors.Message, out *actors.Decision) error {
	who, err := z.present(msg)
	if err != nil {
		return err
	}
	z.change.heard = who.Entity
	out.Reply(msg.ReplyTo, &clusterv1.ZoneStayed{At: z.look(env).find(who.Entity).at()})
	return nil
}

// present returns the caller, who must be in the zone.
func (z *zone) present(msg *actors.Message) (chat.Person, error) {
	who, there := z.people.Find(msg.Caller.Player)
	if !there {
		return who, actors.Refusef(clientv1.Code_CODE_NOT_FOUND, "you are not in zone %s", z.ref.ID)
	}
	return who, nil
}
