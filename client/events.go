package client

import (
	"time"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// Event is something that the server said without being asked. One field is
// set.
type Event struct {
	// Stock is the level of a watched product: a hint, and possibly late.
	Stock *clientv1.StockLevel
	// Chat is a line that was said in a zone or group.
	Chat *clientv1.ChatLine
	// Presence says who has come to a zone or group, and who has gone.
	Presence *clientv1.Presence
	// Owner says which node runs a zone now.
	Owner *clientv1.ZoneOwner
	// Lost is a zone or group that a new connection could not get back into.
	Lost *Lost
}

// Lost says where the Conn is not any more, and why.
type Lost struct {
	// Channel is "zone/<name>" or "group/<name>".
	Channel string
	Err     error
}

// Events delivers what the server pushes; what is seen of zones, ZoneView has. It
// is bounded by Options.EventBuffer: an event that finds it full pushes out the
// oldest, because of a level only the newest is worth having, and lines of chat
// can be read again. It is never closed; see Done.
func (c *Conn) Events() <-chan Event { return c.events }

// DroppedEvents counts the events that were pushed out.
func (c *Conn) DroppedEvents() uint64 { return c.dropped.Load() }

// pushed takes a frame that nobody asked for. Bodies that this version does not
// know are skipped. Called from the reader only.
func (c *Conn) pushed(f *clientv1.ServerFrame) {
	switch b := f.Body.(type) {
	case *clientv1.ServerFrame_Stock:
		c.push(Event{Stock: b.Stock})
	case *clientv1.ServerFrame_Chat:
		c.push(Event{Chat: b.Chat})
	case *clientv1.ServerFrame_Presence:
		c.push(Event{Presence: b.Presence})
	case *clientv1.ServerFrame_ZoneOwner:
		c.world.moved(b.ZoneOwner)
		c.push(Event{Owner: b.ZoneOwner})
	case *clientv1.ServerFrame_LeftZone:
		c.world.left(b.LeftZone.GetZone(), ErrLeft)
	case *clientv1.ServerFrame_World:
		c.show(&WorldMessage{Kind: WorldFrame, Stream: b.World.GetStream(), Frame: b.World.GetFrame()})
	case *clientv1.ServerFrame_WorldKey:
		k := b.WorldKey
		c.show(&WorldMessage{Kind: WorldKey, Stream: k.GetStream(), Zone: k.GetZone(), Cell: k.GetCell(), Frame: k.GetFrame()})
	case *clientv1.ServerFrame_WorldGone:
		for _, stream := range b.WorldGone.GetStreams() {
			c.show(&WorldMessage{Kind: WorldGone, Stream: stream})
		}
	}
}

// show has a message about the world seen: by Options.OnWorld, or else by the
// views.
func (c *Conn) show(m *WorldMessage) {
	m.At = time.Now()
	if c.opts.OnWorld != nil {
		c.opts.OnWorld(m)
	} else if lost := c.world.take(m); lost {
		c.resync(m.Stream)
	}
}

// push is called from the reader only.
func (c *Conn) push(e Event) {
	for {
		select {
		case c.events <- e:
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
