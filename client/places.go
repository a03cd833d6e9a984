package client

import (
	"maps"
	"slices"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	"github.com/holdfast-game/holdfast/proto/delta"
)

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
