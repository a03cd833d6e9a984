package zone

import (
	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/chat"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// decideSay has those who are there, and operators, say something.
func (z *zone) decideSay(env *actors.Env, msg *actors.Message, m *clientv1.Say, out *actors.Decision) error {
	who, err := z.present(msg)
	if err != nil && !msg.Caller.Admin {
		return err
	}
	z.change.heard = who.Entity
	said, id, err := z.chat.Say(env.Now, msg.Caller.Player, m)
	if err != nil {
		return err
	}
	if said != nil {
		out.Event(&journalv1.ZoneEvent{Change: &journalv1.ZoneEvent_Said{Said: said}})
		out.Broadcasts = append(out.Broadcasts, actors.Broadcast{Topic: chat.Topic(z.ref), Body: chat.Line(z.ref, said)})
	}
	out.Reply(msg.ReplyTo, &clientv1.Said{Id: id})
	return nil
}

// decideReadChat shows what was said, to the same.
func (z *zone) decideReadChat(msg *actors.Message, m *clientv1.ReadChat, out *actors.Decision) error {
	if _, err := z.present(msg); err != nil && !msg.Caller.Admin {
		return err
	}
	out.Reply(msg.ReplyTo, z.chat.Read(z.ref, m.GetAfter()))
	return nil
}
