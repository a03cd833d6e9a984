package client

import (
	"errors"
	"sync"
	"time"

	"github.com/holdfast-game/holdfast/proto/delta"
)

// resyncPause is the pause before a picture is asked for again that has not
// come: longer than one takes, shorter than anybody wants to look at an old one.
const resyncPause = time.Second

// world is all that a Conn sees of zones. Its mutex is the innermost.
type world struct {
	mu sync.Mutex
	// zones are those entered, or being entered. groups are those joined.
	zones  map[string]*ZoneView
	groups map[string]bool
	// streams are those of the connection in use.
	streams map[uint32]*cell
}

// cell is what is seen of one interest cell. Guarded by world.mu.
type cell struct {
	zone    *ZoneView
	number  uint32
	stream  uint32
	decoder *delta.Decoder
	// asked is when the picture was asked for last.
	asked time.Time
}

func newWorld() *world {
	return &world{
		zones: make(map[string]*ZoneView), groups: make(map[string]bool), streams: make(map[uint32]*cell),
	}
}

// take shows a message to those who look at its cell. lost is true when the
// stream cannot be followed and should be asked for.
func (w *world) take(m *WorldMessage) (lost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch m.Kind {
	case WorldKey:
		w.begin(m)
	case WorldGone:
		if c := w.streams[m.Stream]; c != nil {
			w.end(c)
			c.zone.notify()
		}
		return false
	}
	c := w.streams[m.Stream]
	if c == nil {
		return false // of a zone that was left
	}
	s := &c.zone.stats
	s.Bytes += uint64(len(m.Frame))
	if m.Kind == WorldKey {
		s.Keys++
	} else {
		s.Frames++
	}
	switch err := c.decoder.Decode(m.Frame); {
	case err == nil:
		c.zone.notify()
		return false
	case errors.Is(err, delta.ErrStale):
		return false
	case m.At.Sub(c.asked) < resyncPause:
		return false
	}
	c.asked = m.At
	s.Resyncs++
	return true
}

// begin opens the stream that a WorldKey names. Its decoder is a new one: what
// the server begins again does not follow from what was.
func (w *world) begin(m *WorldMessage) {
	var asked time.Time
	if old := w.streams[m.Stream]; old != nil {
		asked = old.asked // a picture that cannot be read is not asked for at once
		w.end(old)
	}
	z := w.zones[m.Zone]
	if z == nil {
		return
	}
	if z.old {
		// What was seen on an earlier connection makes way for the first new picture.
		clear(z.cells)
		z.old = false
	}
	c := &cell{zone: z, number: m.Cell, stream: m.Stream, decoder: delta.NewDecoder(z.schema), asked: asked}
	w.streams[m.Stream], z.cells[m.Cell] = c, c
}

// end closes a stream.
func (w *world) end(c *cell) {
	delete(w.streams, c.stream)
	if c.zone.cells[c.number] == c {
		delete(c.zone.cells, c.number)
	}
}

// disconnected forgets the streams of a connection. What was seen stays to be
// looked at until there is something newer.
func (w *world) disconnected() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.streams)
	for _, z := range w.zones {
		z.old = true
	}
}
