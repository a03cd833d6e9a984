package group

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/chat"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// group is one group. All of its state is journaled.
type group struct {
	ref    actors.Ref
	people chat.People
	chat   chat.Channel
}

// Decide implements actors.Behaviour.
func (g *group) Decide(env *actors.Env, msg *actors.Message, out *actors.Decision) error {
	if err := chat.CheckRef(g.ref); err != nil {
		return err
	}
	who, member := g.people.Find(msg.Caller.Player)
	switch msg.Body.(type) {
	case *clusterv1.GroupJoin:
		return g.decideJoin(env, msg, member, out)
	case *clusterv1.GroupLeave:
		if member {
			out.Event(&journalv1.GroupEvent{Change: &journalv1.GroupEvent_Left{Left: &journalv1.GroupLeft{Player: string(who.Player)}}})
			g.tell(&clientv1.Presence{Left: []*clientv1.Person{who.Show()}, Total: uint32(len(g.people) - 1)}, out)
		}
		out.Reply(msg.ReplyTo, &clusterv1.GroupLeft{})
		return nil
	}
	if !member && !msg.Caller.Admin {
		return actors.Refusef(clientv1.Code_CODE_NOT_FOUND, "you are not in group %s", g.ref.ID)
	}
	switch body := msg.Body.(type) {
	case *clientv1.Say:
		return g.decideSay(env, msg, body, out)
	case *clientv1.ReadChat:
		out.Reply(msg.ReplyTo, g.chat.Read(g.ref, body.GetAfter()))
		return nil
	case *clientv1.Who:
		out.Reply(msg.ReplyTo, g.people.Present(g.ref))
		return nil
	}
	return fmt.Errorf("group %s: unexpected message %T", g.ref.ID, msg.Body)
}

func (g *group) decideJoin(env *actors.Env, msg *actors.Message, member bool, out *actors.Decision) error {
	members := uint32(len(g.people))
	switch {
	case member:
	case members >= MaxMembers:
		return actors.Refusef(clientv1.Code_CODE_LIMIT_REACHED, "group %s has room for %d members", g.ref.ID, MaxMembers)
	default:
		members++
		who := chat.Person{Player: msg.Caller.Player}
		out.Event(&journalv1.GroupEvent{Change: &journalv1.GroupEvent_Joined{Joined: &journalv1.GroupJoined{
			Player: string(who.Player), At: env.Now.UnixNano(),
		}}})
		g.tell(&clientv1.Presence{Joined: []*clientv1.Person{who.Show()}, Total: members}, out)
	}
	out.Reply(msg.ReplyTo, &clusterv1.GroupJoined{Members: members})
	return nil
}

func (g *group) decideSay(env *actors.Env, msg *actors.Message, m *clientv1.Say, out *actors.Decision) error {
	said, err := g.chat.Hear(env, g.ref, msg, m, out)
	if said != nil {
		out.Event(&journalv1.GroupEvent{Change: &journalv1.GroupEvent_Said{Said: said}})
	}
	return err
}

// tell broadcasts who comes and goes.
func (g *group) tell(p *clientv1.Presence, out *actors.Decision) {
	p.Channel = chat.Name(g.ref)
	out.Broadcasts = append(out.Broadcasts, actors.Broadcast{Topic: chat.PresenceTopic(g.ref), Body: p})
}

// Apply implements actors.Behaviour.
func (g *group) Apply(event proto.Message) error {
	e, ok := event.(*journalv1.GroupEvent)
	if !ok {
		return fmt.Errorf("apply %T to group %s: not an event of this kind", event, g.ref.ID)
	}
	if err := g.apply(e); err != nil {
		return fmt.Errorf("apply to group %s: %w", g.ref.ID, err)
	}
	return nil
}

func (g *group) apply(e *journalv1.GroupEvent) error {
	switch c := e.GetChange().(type) {
	case *journalv1.GroupEvent_Joined:
		return g.people.Join(chat.Person{Player: actors.PlayerID(c.Joined.GetPlayer()), At: c.Joined.GetAt()})
	case *journalv1.GroupEvent_Left:
		_, err := g.people.Leave(actors.PlayerID(c.Left.GetPlayer()))
		if len(g.people) == 0 {
			g.chat.Forget()
		}
		return err
	case *journalv1.GroupEvent_Said:
		return g.chat.Apply(c.Said)
	}
	return fmt.Errorf("unknown change %T", e.GetChange())
}

// Snapshot implements actors.Behaviour.
func (g *group) Snapshot() proto.Message {
	return &journalv1.GroupState{Members: g.people.Snapshot(), Chat: g.chat.Snapshot()}
}

// Restore implements actors.Behaviour.
func (g *group) Restore(snapshot proto.Message) error {
	st, ok := snapshot.(*journalv1.GroupState)
	if !ok {
		return fmt.Errorf("restore group %s: %T is not a state of this kind", g.ref.ID, snapshot)
	}
	err := g.people.Restore(st.GetMembers())
	if err == nil {
		err = g.chat.Restore(st.GetChat())
	}
	if err != nil {
		return fmt.Errorf("restore group %s: %w", g.ref.ID, err)
	}
	return nil
}

// Accounts implements actors.Accountant.
func (g *group) Accounts(add func(account string, amount int64)) {
	add("group/members", int64(len(g.people)))
}
