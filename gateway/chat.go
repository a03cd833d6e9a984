package gateway

import (
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// sayIn has a line said in a channel.
func (s *session) sayIn(seq uint64, m *clientv1.Say) bool {
	to, err := parseChannel(m.GetChannel())
	if err == nil {
		err = validateSay(m)
	}
	if err != nil {
		return s.invalid(seq, "%s", err)
	}
	return s.send(seq, methodSay, cluster.Command{To: to, Request: m.GetRequest(), Method: "Say", Body: m})
}

// ofChannel asks a channel's actor something.
func (s *session) ofChannel(seq uint64, m *method, name, channel string, body proto.Message) bool {
	to, err := parseChannel(channel)
	if err != nil {
		return s.invalid(seq, "%s", err)
	}
	return s.send(seq, m, cluster.Command{To: to, Method: name, Body: body})
}

// joinGroup makes the player a member, and the connection a listener.
func (s *session) joinGroup(seq uint64, group string) bool {
	if err := validatePlace("group", group); err != nil {
		return s.invalid(seq, "%s", err)
	}
	st := s.stayed()
	if !st.reserveGroup(group) {
		return s.say(refuse(seq, clientv1.Code_CODE_LIMIT_REACHED, "a connection listens to at most %d groups", s.g.cfg.MaxGroups))
	}
	return s.consult(seq, methodJoin, cluster.Command{
		To:     cluster.ActorID{Kind: kindGroup, ID: group},
		Method: "Join",
		Body:   &clusterv1.GroupJoin{},
	}, &consultation{
		succeeded: func(c *consultation, a *cluster.Answer) error {
			m, err := decodeAnswer[clusterv1.GroupJoined](a)
			if err != nil {
				return err
			}
			// What is said after the reply is heard.
			st.joinGroup(group, true)
			c.reply(&clientv1.ServerFrame{Body: &clientv1.ServerFrame_JoinedGroup{
				JoinedGroup: &clientv1.JoinedGroup{Group: group, Members: m.GetMembers()},
			}})
			return nil
		},
		failed: func() { st.joinGroup(group, false) },
	})
}

// leaveGroup ends the membership.
func (s *session) leaveGroup(seq uint64, group string) bool {
	if err := validatePlace("group", group); err != nil {
		return s.invalid(seq, "%s", err)
	}
	st := s.stayed()
	return s.consult(seq, methodPart, cluster.Command{
		To:     cluster.ActorID{Kind: kindGroup, ID: group},
		Method: "Leave",
		Body:   &clusterv1.GroupLeave{},
	}, &consultation{succeeded: func(c *consultation, _ *cluster.Answer) error {
		st.leaveGroup(group)
		c.reply(&clientv1.ServerFrame{Body: &clientv1.ServerFrame_LeftGroup{LeftGroup: &clientv1.LeftGroup{Group: group}}})
		return nil
	}})
}
