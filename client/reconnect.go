package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gorilla/websocket"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// run is the goroutine of a Conn: it reads one wire after the other until the
// Conn ends.
func (c *Conn) run(w *wire) {
	defer close(c.done)
	// A read in progress ends when its connection is closed.
	stop := context.AfterFunc(c.ctx, func() {
		if w := c.current(); w != nil {
			_ = w.close(true)
		}
	})
	defer stop()
	for w != nil {
		err := c.read(w)
		_ = w.close(false)
		c.setWire(nil)
		c.world.disconnected()
		if c.opts.NoReconnect {
			c.cancel(fmt.Errorf("%w: %w", ErrDisconnected, err))
		}
		w = c.reconnect()
	}
	c.fail(c.Err())
}

// read delivers what the server says on one connection, until it drops.
func (c *Conn) read(w *wire) error {
	var m WorldMessage // one for all, since Options.OnWorld has it escape
	for {
		kind, data, err := w.receiveMessage()
		if err != nil {
			return err
		}
		if kind == websocket.BinaryMessage {
			m = WorldMessage{}
			if ok, err := scanWorld(data, &m); err != nil {
				return err
			} else if ok {
				c.show(&m)
				continue
			}
		}
		f := new(clientv1.ServerFrame)
		if err := w.expect(kind); err != nil {
			return err
		}
		if err := w.decode(data, f); err != nil {
			return err
		}
		if f.Seq == 0 {
			c.pushed(f)
			continue
		}
		c.answered(w, f)
	}
}

// answered delivers the answer to a request.
func (c *Conn) answered(w *wire, f *clientv1.ServerFrame) {
	call := c.takeCall(f.Seq)
	if call == nil {
		// Nobody waits for it any more, or it answers the Watch of resume.
		for _, level := range f.GetWatching().GetLevels() {
			c.push(Event{Stock: level})
		}
		return
	}
	// Here, and not where the caller waits: the connection may drop before that.
	err := c.settle(call, f)
	switch {
	case call.answer == nil:
		c.rejoined(w, call.frame, f, err)
	case err != nil:
		call.answer <- answer{err: err}
	default:
		call.answer <- answer{frame: f}
	}
}

// reconnect dials until it has a connection, and sends on it what still waits
// for an answer. It returns nil when the Conn has ended.
func (c *Conn) reconnect() *wire {
	pause := newBackoff(c.opts.ReconnectMin, c.opts.ReconnectMax)
	for c.ctx.Err() == nil {
		w, err := dialWire(c.ctx, c.url, c.opts)
		if err == nil {
			c.resume(w)
			return w
		}
		if final(err) {
			c.cancel(fmt.Errorf("reconnect: %w", err))
			break
		}
		if !c.sleep(pause.pause()) {
			break
		}
	}
	return nil
}

// final says whether dialling again cannot help.
func final(err error) bool {
	if errors.Is(err, ErrProtocol) {
		return true
	}
	code := CodeOf(err)
	return code != clientv1.Code_CODE_UNSPECIFIED && !Unsettled(code)
}

// resume makes w the connection in use and sends what was not answered, in the
// order of its first sending.
func (c *Conn) resume(w *wire) {
	c.mu.Lock()
	c.wire, c.welcome = w, w.welcome
	c.nextRequest = max(c.nextRequest, w.welcome.GetNextRequest())
	frames := make([]*clientv1.ClientFrame, 0, len(c.pending)+1)
	for seq, call := range c.pending {
		if call.answer == nil {
			delete(c.pending, seq) // of an earlier resume
			continue
		}
		frames = append(frames, call.frame)
	}
	slices.SortFunc(frames, func(a, b *clientv1.ClientFrame) int { return cmp.Compare(a.Seq, b.Seq) })
	// What waits may be about zones and groups: first be where it can be done.
	frames = append(c.rejoin(), frames...)
	if len(c.watched) > 0 {
		// The watched list belongs to the connection. It goes first, because a
		// Watch that waits for its answer is newer; its own answer is read as events.
		c.seq++
		frames = slices.Insert(frames, 0, &clientv1.ClientFrame{Seq: c.seq, Body: &clientv1.ClientFrame_Watch{
			Watch: &clientv1.Watch{Skus: c.watched},
		}})
	}
	c.mu.Unlock()

	// Close may have looked for the wire before it was set.
	if c.ctx.Err() != nil {
		_ = w.close(true)
	}
	for _, f := range frames {
		if err := w.send(f); err != nil {
			_ = w.close(false) // the reader notices
			return
		}
	}
}

func (c *Conn) current() *wire {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wire
}

func (c *Conn) setWire(w *wire) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wire = w
}

// fail answers everything that waits with err.
func (c *Conn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for seq, call := range c.pending {
		delete(c.pending, seq)
		if call.answer != nil {
			call.answer <- answer{err: err}
		}
	}
	c.world.close(err)
}
