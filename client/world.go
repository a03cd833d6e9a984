package client

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
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

// entering returns the view of a zone, a new one if there is none.
func (w *world) entering(zone string) *ZoneView {
	w.mu.Lock()
	defer w.mu.Unlock()
	z := w.zones[zone]
	if z == nil {
		z = newZoneView(w, zone)
		w.zones[zone] = z
	}
	z.entering++
	return z
}

// tried says how a call of EnterZone went, and returns the error that it ends
// with.
func (w *world) tried(z *ZoneView, err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	z.entering--
	if err == nil {
		return z.err
	}
	if !z.in && z.entering == 0 {
		w.leave(z, err)
	}
	return err
}

// entered takes what a zone says to somebody who comes in. lost are streams that
// must be asked for.
func (w *world) entered(asked *clientv1.EnterZone, e *clientv1.Entered) (lost []uint32, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	z := w.zones[asked.GetZone()]
	if z == nil {
		return nil, nil // it was left meanwhile
	}
	schema, err := schemaOf(e.GetFields())
	if err != nil {
		return nil, err
	}
	if !slices.Equal(schema.Fields(), z.schema.Fields()) {
		// Pictures that came before this were read as something else.
		z.setSchema(schema)
		for _, c := range z.cells {
			c.decoder = delta.NewDecoder(schema)
			if w.streams[c.stream] == c {
				lost = append(lost, c.stream)
			}
		}
	}
	z.in, z.options = true, EnterOptions{Spectate: asked.GetSpectate(), At: asked.GetAt()}
	z.zone, z.entity, z.owner = e.GetZone(), e.GetEntity(), e.GetOwner()
	z.notify()
	return lost, nil
}

// leave ends a view.
func (w *world) leave(z *ZoneView, why error) {
	if w.zones[z.name] != z {
		return
	}
	delete(w.zones, z.name)
	for _, c := range z.cells {
		if w.streams[c.stream] == c { // and not of an earlier connection
			delete(w.streams, c.stream)
		}
	}
	z.in, z.err = false, why
	close(z.done)
}

// left ends the view of a zone, if there is one.
func (w *world) left(zone string, why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if z := w.zones[zone]; z != nil {
		w.leave(z, why)
	}
}

// close ends all views.
func (w *world) close(why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, z := range w.zones {
		w.leave(z, why)
	}
}

// joined and unjoined keep the groups to be heard.
func (w *world) joined(group string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.groups[group] = true
}

func (w *world) unjoined(group string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.groups, group)
}

// places are requests that bring a new connection to where the last one was, by
// name: zones first.
func (w *world) places() []*clientv1.ClientFrame {
	w.mu.Lock()
	defer w.mu.Unlock()
	var frames []*clientv1.ClientFrame
	for _, name := range slices.Sorted(maps.Keys(w.zones)) {
		if z := w.zones[name]; z.in {
			frames = append(frames, z.options.frame(name))
		}
	}
	for _, group := range slices.Sorted(maps.Keys(w.groups)) {
		frames = append(frames, joinFrame(group))
	}
	return frames
}

// wants says whether such a request is still to be made.
func (w *world) wants(f *clientv1.ClientFrame) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if g := f.GetJoinGroup(); g != nil {
		return w.groups[g.GetGroup()]
	}
	z := w.zones[f.GetEnterZone().GetZone()]
	return z != nil && z.in
}

// moved tells a zone's view which node runs it.
func (w *world) moved(o *clientv1.ZoneOwner) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if z := w.zones[o.GetZone()]; z != nil {
		z.owner = o.GetNode()
		z.notify()
	}
}
