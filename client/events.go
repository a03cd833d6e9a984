package client

import (
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// Event is something that the server said without being asked. One field is
// set.
type Event struct {
	// Stock is the level of a watched product: a hint, and possibly late.
	Stock *clientv1.StockLevel
}

// Events delivers what the server pushes. It is bounded by Options.EventBuffer:
// an event that finds it full pushes out the oldest, because of a level only
// the newest is worth having. It is never closed; see Done.
func (c *Conn) Events() <-chan Event { return c.events }

// DroppedEvents counts the events that were pushed out.
func (c *Conn) DroppedEvents() uint64 { return c.dropped.Load() }

// push is called from the reader only. Events that this version does not know
// are skipped.
func (c *Conn) push(f *clientv1.ServerFrame) {
	level := f.GetStock()
	if level == nil {
		return
	}
	for {
		select {
		case c.events <- Event{Stock: level}:
			return
		default:
		}
		select {
		case <-c.events:
			c.dropped.Add(1)
		default: // somebody has just fetched one: there is room
		}
	}
}
