package client

import (
	"context"
	"time"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// Say says something in a channel: "zone/<name>" or "group/<name>". A line
// without a request number is given one, in s; when Say returns a context error,
// or a refusal that is Unsettled, calling it again with the same s says it once.
// s must not change while Say runs.
func (c *Conn) Say(ctx context.Context, s *clientv1.Say) (*clientv1.Said, error) {
	if s.Request == 0 {
		s.Request = c.nextLine()
	}
	f, err := c.roundTrip(ctx, &clientv1.ClientFrame{Body: &clientv1.ClientFrame_Say{Say: s}})
	if err != nil {
		return nil, err
	}
	return reply(f, f.GetSaid())
}

// nextLine numbers a line of chat. The server does not say which number comes
// next in a channel: that of the time is above all that the player has used
// before, on whatever device.
func (c *Conn) nextLine() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastLine = max(c.lastLine+1, uint64(time.Now().UnixMilli()))
	return c.lastLine
}

// ReadChat returns the lines of a channel that come after the one with that id,
// of those that are kept; 0: all. Lines that were pushed while the connection was
// down are found like this: ids have no gaps.
func (c *Conn) ReadChat(ctx context.Context, channel string, after uint64) ([]*clientv1.ChatLine, error) {
	f, err := c.roundTrip(ctx, &clientv1.ClientFrame{Body: &clientv1.ClientFrame_ReadChat{
		ReadChat: &clientv1.ReadChat{Channel: channel, After: after},
	}})
	if err != nil {
		return nil, err
	}
	h, err := reply(f, f.GetChatHistory())
	return h.GetLines(), err
}

// Who returns who is in a channel.
func (c *Conn) Who(ctx context.Context, channel string) (*clientv1.Present, error) {
	f, err := c.roundTrip(ctx, &clientv1.ClientFrame{Body: &clientv1.ClientFrame_Who{Who: &clientv1.Who{Channel: channel}}})
	if err != nil {
		return nil, err
	}
	return reply(f, f.GetPresent())
}

func joinFrame(group string) *clientv1.ClientFrame {
	return &clientv1.ClientFrame{Body: &clientv1.ClientFrame_JoinGroup{JoinGroup: &clientv1.JoinGroup{Group: group}}}
}

// JoinGroup makes the player a member of a group and has this Conn hear what is
// said in it, after a reconnect too.
func (c *Conn) JoinGroup(ctx context.Context, group string) (*clientv1.JoinedGroup, error) {
	f, err := c.roundTrip(ctx, joinFrame(group))
	if err != nil {
		return nil, err
	}
	return reply(f, f.GetJoinedGroup())
}

func leaveGroupFrame(group string) *clientv1.ClientFrame {
	return &clientv1.ClientFrame{Body: &clientv1.ClientFrame_LeaveGroup{LeaveGroup: &clientv1.LeaveGroup{Group: group}}}
}

// LeaveGroup ends the membership. The group is not joined again after a reconnect,
// whatever becomes of the request.
func (c *Conn) LeaveGroup(ctx context.Context, group string) error {
	c.world.unjoined(group)
	f, err := c.roundTrip(ctx, leaveGroupFrame(group))
	if err != nil {
		return err
	}
	_, err = reply(f, f.GetLeftGroup())
	return err
}
