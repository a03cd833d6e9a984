package chat

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-game/holdfast/actors"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// History is how many lines a channel keeps.
const History = 100

// A player may say rateLines lines within rateTime.
const (
	rateLines = 5
	rateTime  = 10 * time.Second
)

// Channel is what was said in one place. The zero value is empty.
type Channel struct {
	last     uint64                // the number of the latest line ever
	lines    []*journalv1.ChatSaid // oldest first, at most History
	speakers speakers
}

// say decides what becomes of what a player says. For what is new there is an
// event; for a copy there is none, and id is what the line got. An error is a
// refusal.
func (c *Channel) say(now time.Time, player actors.PlayerID, m *clientv1.Say) (said *journalv1.ChatSaid, id uint64, err error) {
	if err := checkText(m.GetText()); err != nil {
		return nil, 0, err
	}
	if m.GetRequest() == 0 {
		return nil, 0, actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "request: must be numbered from 1")
	}
	if s := c.speakers.find(string(player)); s != nil {
		if id, err := s.look(m); id != 0 || err != nil {
			return nil, id, err
		}
		if wait := s.wait(now); wait > 0 {
			return nil, 0, &actors.Refusal{
				Code: clientv1.Code_CODE_RATE_LIMITED, RetryAfter: wait,
				Text: fmt.Sprintf("at most %d lines in %s", rateLines, rateTime),
			}
		}
	}
	return &journalv1.ChatSaid{
		Id: c.last + 1, Player: string(player), Request: m.GetRequest(), Text: m.GetText(), At: now.UnixNano(),
	}, c.last + 1, nil
}

// Hear has a player say something in an actor's channel: the answer, and the
// broadcast to all who listen, go into the decision. The actor journals the event
// that is returned, if there is one.
func (c *Channel) Hear(env *actors.Env, ref actors.Ref, msg *actors.Message, m *clientv1.Say, out *actors.Decision) (*journalv1.ChatSaid, error) {
	said, id, err := c.say(env.Now, msg.Caller.Player, m)
	if err != nil {
		return nil, err
	}
	if said != nil {
		out.Broadcasts = append(out.Broadcasts, actors.Broadcast{Topic: Topic(ref), Body: Line(ref, said)})
	}
	out.Reply(msg.ReplyTo, &clientv1.Said{Id: id})
	return said, nil
}

// Apply folds in what was said.
func (c *Channel) Apply(e *journalv1.ChatSaid) error {
	if e.GetId() != c.last+1 {
		return fmt.Errorf("line %d after line %d", e.GetId(), c.last)
	}
	if err := c.speakers.said(e); err != nil {
		return fmt.Errorf("line %d: %w", e.GetId(), err)
	}
	c.last = e.GetId()
	if len(c.lines) == History {
		copy(c.lines, c.lines[1:])
		c.lines = c.lines[:History-1]
	}
	c.lines = append(c.lines, &journalv1.ChatSaid{
		Id: e.GetId(), Player: e.GetPlayer(), Request: e.GetRequest(), Text: e.GetText(), At: e.GetAt(),
	})
	return nil
}

// Forget drops the lines: whoever comes next does not hear them. Their numbers
// are not given again.
func (c *Channel) Forget() { c.lines = nil }

// Read shows the lines after a number.
func (c *Channel) Read(ref actors.Ref, after uint64) *clientv1.ChatHistory {
	h := &clientv1.ChatHistory{Channel: Name(ref)}
	for _, l := range c.lines {
		if l.GetId() > after {
			h.Lines = append(h.Lines, Line(ref, l))
		}
	}
	return h
}

// Line shows a line as clients see it.
func Line(ref actors.Ref, e *journalv1.ChatSaid) *clientv1.ChatLine {
	return &clientv1.ChatLine{
		Channel: Name(ref), Id: e.GetId(), Player: e.GetPlayer(), Text: e.GetText(),
		At: timestamppb.New(time.Unix(0, e.GetAt())),
	}
}

// Snapshot returns the channel's state; nil when nothing was ever said.
func (c *Channel) Snapshot() *journalv1.ChatState {
	if c.last == 0 {
		return nil
	}
	return &journalv1.ChatState{
		Last: c.last, Lines: append([]*journalv1.ChatSaid(nil), c.lines...), Speakers: c.speakers.snapshot(),
	}
}

// Restore replaces the channel's state.
func (c *Channel) Restore(st *journalv1.ChatState) error {
	if len(st.GetLines()) > History {
		return fmt.Errorf("restore a channel: %d lines", len(st.GetLines()))
	}
	for i, l := range st.GetLines() {
		if want := st.GetLast() - uint64(len(st.GetLines())-1-i); l.GetId() != want {
			return fmt.Errorf("restore a channel: line %d where line %d should be", l.GetId(), want)
		}
	}
	c.last, c.lines = st.GetLast(), append([]*journalv1.ChatSaid(nil), st.GetLines()...)
	return c.speakers.restore(st.GetSpeakers())
}
