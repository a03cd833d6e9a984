package client

import (
	"time"

	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// rejoinPause is the least pause before a request to get back somewhere is made
// again.
const rejoinPause = 50 * time.Millisecond

// rejoin files requests that bring a new connection to the zones and groups that
// the last one was in. c.mu is held.
func (c *Conn) rejoin() []*clientv1.ClientFrame {
	frames := c.world.places()
	for _, f := range frames {
		c.seq++
		f.Seq = c.seq
		c.pending[f.Seq] = &call{frame: f}
	}
	return frames
}

// settle files what an answer changes about where the Conn is.
func (c *Conn) settle(asked *call, f *clientv1.ServerFrame) error {
	switch b := f.Body.(type) {
	case *clientv1.ServerFrame_Entered:
		lost, err := c.world.entered(asked.frame.GetEnterZone(), b.Entered)
		for _, stream := range lost {
			c.resync(stream)
		}
		return err
	case *clientv1.ServerFrame_JoinedGroup:
		if group := asked.frame.GetJoinGroup(); asked.answer != nil && group != nil {
			c.world.joined(group.GetGroup())
		}
	}
	return nil
}

// rejoined takes the answer to a request that rejoin has made on w. err is what
// is wrong with an answer that is no refusal.
func (c *Conn) rejoined(w *wire, asked *clientv1.ClientFrame, f *clientv1.ServerFrame, err error) {
	if e := f.GetError(); e != nil {
		refusal := newError(e)
		if Unsettled(refusal.Code) {
			time.AfterFunc(max(refusal.RetryAfter, rejoinPause), func() { c.rejoinAgain(w, asked) })
			return
		}
		err = refusal
	}
	zone, group := asked.GetEnterZone().GetZone(), asked.GetJoinGroup().GetGroup()
	switch wanted := c.world.wants(asked); {
	case wanted && err == nil:
	case wanted && zone != "":
		c.world.left(zone, err)
		c.push(Event{Lost: &Lost{Channel: "zone/" + zone, Err: err}})
	case wanted:
		c.world.unjoined(group)
		c.push(Event{Lost: &Lost{Channel: "group/" + group, Err: err}})
	case err != nil:
	// The player has left between the request and its answer, and that request may
	// have been the faster one.
	case zone != "":
		c.sendOwn(w, leaveFrame(zone))
	default:
		c.sendOwn(w, leaveGroupFrame(group))
	}
}

// rejoinAgain repeats a request of rejoin if there is still reason to: the
// connection is the one it was made on, and the player has not left.
func (c *Conn) rejoinAgain(w *wire, asked *clientv1.ClientFrame) {
	if !c.world.wants(asked) {
		return
	}
	f := proto.CloneOf(asked)
	c.mu.Lock()
	if c.wire != w || c.Err() != nil {
		c.mu.Unlock()
		return
	}
	c.seq++
	f.Seq = c.seq
	c.pending[f.Seq] = &call{frame: f}
	c.mu.Unlock()
	if err := w.send(f); err != nil {
		_ = w.close(false) // the reader notices
	}
}

// sendOwn sends a request of the Conn's own whose answer does not matter.
func (c *Conn) sendOwn(w *wire, f *clientv1.ClientFrame) {
	current, seq := c.sendable()
	if current != w {
		return
	}
	f.Seq = seq
	if err := w.send(f); err != nil {
		_ = w.close(false) // the reader notices
	}
}
