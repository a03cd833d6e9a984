package zone

import (
	"github.com/holdfast-game/holdfast/actors"
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
	said, err := z.chat.Hear(env, z.ref, msg, m, out)
	if said != nil {
		out.Event(&journalv1.ZoneEvent{Change: &journalv1.ZoneEvent_Said{Said: said}})
	}
	return err
}

// decideReadChat shows what was said, to the same.
func (z *zone) decideReadChat(msg *actors.Message, m *clientv1.ReadChat, out *actors.Decision) error {
	if _, err := z.present(msg); err != nil && !msg.Caller.Admin {
		return err
	}
	out.Reply(msg.ReplyTo, z.chat.Read(z.ref, m.GetAfter()))
	return nil
}
