package zone

import (
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/chat"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// decideOpen makes the zone, or changes what it is. Who is there stays, even if
// there is room for fewer now.
func (z *zone) decideOpen(msg *actors.Message, m *clusterv1.OpenZone, out *actors.Decision) error {
	if err := Validate(m.GetSpec()); err != nil {
		return actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "spec: %v", err)
	}
	if name := m.GetSpec().GetZone().GetName(); name != z.ref.ID {
		return actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "spec: name: %s, but this is zone %s", name, z.ref.ID)
	}
	if !proto.Equal(z.spec, m.GetSpec()) {
		out.Event(&journalv1.ZoneEvent{Change: &journalv1.ZoneEvent_Opened{Opened: &journalv1.ZoneOpened{Spec: m.GetSpec()}}})
	}
	out.Reply(msg.ReplyTo, &clusterv1.ZoneOpened{})
	return nil
}

func (z *zone) applyOpened(e *journalv1.ZoneOpened) error {
	if err := Validate(e.GetSpec()); err != nil {
		return err
	}
	z.spec = proto.CloneOf(e.GetSpec())
	return nil
}

// decideClose has everybody leave.
func (z *zone) decideClose(msg *actors.Message, out *actors.Decision) error {
	if z.spec != nil {
		z.change.left = append(chat.People(nil), z.people...)
		out.Event(&journalv1.ZoneEvent{Change: &journalv1.ZoneEvent_Closed{Closed: &journalv1.ZoneClosed{}}})
	}
	out.Reply(msg.ReplyTo, &clusterv1.ZoneClosed{})
	return nil
}
