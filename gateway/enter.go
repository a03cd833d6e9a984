package gateway

import (
	"fmt"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/proto/delta"
)

// worldFields are what frames consist of, as clients are told.
var worldFields = func() []*clientv1.Field {
	var all []*clientv1.Field
	for _, f := range delta.World.Fields() {
		all = append(all, &clientv1.Field{Name: f.Name, Kind: clientv1.FieldKind(f.Kind), Bits: uint32(f.Bits)})
	}
	return all
}()

// enterZone asks the zone to let the player in, and shows it.
func (s *session) enterZone(seq uint64, m *clientv1.EnterZone) bool {
	if err := validatePlace("zone", m.GetZone()); err != nil {
		return s.invalid(seq, "%s", err)
	}
	if err := validateNumbers(m.GetAt().GetX(), m.GetAt().GetY()); err != nil {
		return s.invalid(seq, "%s", err)
	}
	st := s.stayed()
	v, isNew := st.reserve(m.GetZone())
	if v == nil {
		return s.say(refuse(seq, clientv1.Code_CODE_LIMIT_REACHED, "a connection is in at most %d zones", s.g.cfg.MaxZones))
	}
	return s.consult(seq, methodEnter, cluster.Command{
		To:     cluster.ActorID{Kind: kindZone, ID: m.GetZone()},
		Method: "Enter",
		Body:   &clusterv1.ZoneEnter{Spectate: m.GetSpectate()},
	}, &consultation{
		succeeded: func(c *consultation, a *cluster.Answer) error {
			e, err := decodeAnswer[clusterv1.ZoneEntered](a)
			if err != nil {
				return err
			}
			if got := e.GetSpec().GetZone().GetName(); got != m.GetZone() {
				return fmt.Errorf("zone %q says that it is %q", m.GetZone(), got)
			}
			at := e.GetAt()
			if e.GetEntity() == 0 {
				at = m.GetAt()
			}
			f := &clientv1.ServerFrame{Body: &clientv1.ServerFrame_Entered{Entered: &clientv1.Entered{
				Zone:    e.GetSpec().GetZone(),
				Entity:  e.GetEntity(),
				Fields:  worldFields,
				Owner:   s.g.world.Owner(kindZone, m.GetZone()),
				Players: e.GetPlayers(),
			}}}
			st.enter(v, e.GetSpec().GetZone(), e.GetEntity(), at, func() { c.reply(f) })
			return nil
		},
		failed: func() {
			if isNew {
				st.giveBack(v)
			}
		},
	})
}

// leaveZone takes the player out of the zone. One who only looks on looks away.
func (s *session) leaveZone(seq uint64, m *clientv1.LeaveZone) bool {
	zone := m.GetZone()
	if err := validatePlace("zone", zone); err != nil {
		return s.invalid(seq, "%s", err)
	}
	left := &clientv1.ServerFrame{Seq: seq, Body: &clientv1.ServerFrame_LeftZone{LeftZone: &clientv1.LeftZone{Zone: zone}}}
	st := s.stayed()
	if st.spectates(zone) {
		if ok, goOn := s.admit(seq); !ok {
			return goOn
		}
		s.lookAway(zone, func() { s.queue.answer(reply{frame: left}) })
		return true
	}
	return s.consult(seq, methodLeave, cluster.Command{
		To:     cluster.ActorID{Kind: kindZone, ID: zone},
		Method: "Leave",
		Body:   &clusterv1.ZoneLeave{},
	}, &consultation{succeeded: func(c *consultation, _ *cluster.Answer) error {
		s.lookAway(zone, func() { c.reply(left) })
		return nil
	}})
}

// lookAway ends the view of a zone, and calls then when nothing of it will be
// written any more.
func (s *session) lookAway(zone string, then func()) {
	v := s.stays.take(zone)
	if v == nil {
		then()
		return
	}
	s.g.ears.unlisten(channelOf(kindZone, zone), s)
	s.g.hall.leave(v, then)
}

// intend passes on what the player wants its entity to do.
func (s *session) intend(seq uint64, m *clientv1.Intent) bool {
	if err := validatePlace("zone", m.GetZone()); err != nil {
		return s.invalid(seq, "%s", err)
	}
	if err := validateIntent(m); err != nil {
		return s.invalid(seq, "%s", err)
	}
	return s.send(seq, methodIntend, cluster.Command{
		To:     cluster.ActorID{Kind: kindZone, ID: m.GetZone()},
		Method: "Intend",
		Body:   m,
	})
}
