package zone

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// Snapshot implements actors.Behaviour.
func (z *zone) Snapshot() proto.Message {
	return &journalv1.ZoneState{
		Spec: z.spec, LastEntity: z.last, Members: z.people.Snapshot(), Chat: z.chat.Snapshot(), Parked: z.parked,
	}
}

// Restore implements actors.Behaviour.
func (z *zone) Restore(snapshot proto.Message) error {
	st, ok := snapshot.(*journalv1.ZoneState)
	if !ok {
		return fmt.Errorf("restore zone %s: %T is not a state of this kind", z.ref.ID, snapshot)
	}
	if err := z.restore(st); err != nil {
		return fmt.Errorf("restore zone %s: %w", z.ref.ID, err)
	}
	return nil
}

func (z *zone) restore(st *journalv1.ZoneState) error {
	if st.GetSpec() != nil {
		if err := Validate(st.GetSpec()); err != nil {
			return err
		}
	} else if len(st.GetMembers()) > 0 {
		return fmt.Errorf("%d are there, but the zone is not open", len(st.GetMembers()))
	}
	for _, m := range st.GetMembers() {
		if m.GetEntity() == 0 || m.GetEntity() >= firstBot {
			return fmt.Errorf("player %q has entity %d", m.GetPlayer(), m.GetEntity())
		}
	}
	z.spec, z.last, z.parked = st.GetSpec(), st.GetLastEntity(), st.GetParked()
	if err := z.people.Restore(st.GetMembers()); err != nil {
		return err
	}
	return z.chat.Restore(st.GetChat())
}
